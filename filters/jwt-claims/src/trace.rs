//! The trace of a decision about tokens, step by step.

/// What came of asking for a provider's token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// There is one, and it is good.
    Good,
    /// It is unknown before the provider's keys are there.
    Waiting,
    /// There is none, or it is not good; a word for the reason, as counters have it.
    Refused(&'static str),
}

/// One step of the decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note<'a> {
    /// The rule that the request comes under, by its position; `None`: no rule is for it.
    Rule(Option<usize>),
    /// It is unknown whether this rule, by its position, is for the request, which so must meet it as well.
    Undecided(usize),
    /// The rule asks for no token, or the request is a CORS preflight.
    NotAsked,
    /// A token of this provider was asked for.
    Token(&'a str, Found),
    /// Whether the claims are what the rule requires.
    Required(bool),
}

/// Receives each step. Requests are decided with `()`, which ignores the steps and costs nothing.
pub trait Trace {
    /// A step was taken.
    fn token_step(&mut self, note: Note<'_>);
}

impl Trace for () {
    #[inline(always)]
    fn token_step(&mut self, _: Note<'_>) {}
}
