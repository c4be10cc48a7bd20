//! What a report is asked: which arms are compared, and how strictly.

/// What is asked.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) experiment: String,
    /// Keys and weights, in the configuration's order.
    pub(crate) arms: Vec<(String, f64)>,
    /// The arm that the others are compared with.
    pub(crate) control: usize,
    pub(crate) alpha: f64,
    pub(crate) tuning: f64,
    /// How much more of the requests may end with 5xx, as a part of all of them.
    pub(crate) tolerated_errors: f64,
    /// How much longer requests may take, as a part of the control's mean.
    pub(crate) tolerated_latency: f64,
}

impl Question {
    /// The arms that are compared with the control.
    pub(crate) fn treatments(&self) -> impl Iterator<Item = usize> {
        let arms = self.arms.iter().enumerate();
        arms.filter(|(arm, (_, weight))| *arm != self.control && *weight > 0.0).map(|(arm, _)| arm)
    }
}
