//! The latencies of all settings as a picture: a panel for each, a curve for each row.

use std::fmt::Write as _;

use super::report::{Report, Row, Summary};
use crate::statistics::quantile;

const COLOURS: [&str; 6] = ["#9aa0a6", "#202124", "#bdc1c6", "#1a73e8", "#188038", "#d93025"];
/// The size of a panel with what is around it, and of the curves in it.
const PANEL: [f64; 2] = [440.0, 300.0];
const CURVES: [f64; 2] = [350.0, 220.0];
/// Where the curves of a panel begin.
const CORNER: [f64; 2] = [60.0, 40.0];
/// The marks of the horizontal axis: each has ten times fewer requests beyond it than the one before.
const MARKS: [(&str, f64); 5] = [("p0", 0.0), ("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)];
/// Points of a curve.
const POINTS: u32 = 60;

/// The curves of all settings as SVG, two beside each other.
pub(crate) fn plot(Report { settings }: &Report) -> String {
    let rows = settings.len().div_ceil(2) as f64;
    let [width, height] = [2.0 * PANEL[0], rows * PANEL[1] + 40.0];
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n"
    );
    for (index, setting) in settings.iter().enumerate() {
        let [left, top] = [(index % 2) as f64 * PANEL[0], (index / 2) as f64 * PANEL[1]];
        // Writing to a text cannot fail.
        let _ = writeln!(svg, "<g transform=\"translate({left} {top})\">");
        panel(setting, &mut svg);
        svg.push_str("</g>\n");
    }
    for (index, row) in settings.first().into_iter().flat_map(|setting| setting.rows.iter().enumerate()) {
        let [left, top] = [20.0 + 143.0 * index as f64, height - 15.0];
        let colour = COLOURS[index % COLOURS.len()];
        let _ = writeln!(
            svg,
            "<path d=\"M{left} {top}h18\" stroke=\"{colour}\" stroke-width=\"2\"/>\
             <text x=\"{}\" y=\"{}\" font-size=\"11\">{}</text>",
            left + 22.0,
            top + 4.0,
            row.name
        );
    }
    svg.push_str("</svg>\n");
    svg
}

fn panel(setting: &Summary, svg: &mut String) {
    let all = || setting.rows.iter().filter(|row| !row.sorted.is_empty());
    let least = all().map(|row| quantile(&row.sorted, 0.01)).fold(f64::INFINITY, f64::min).max(0.001);
    let most = all().map(|row| quantile(&row.sorted, 0.999)).fold(least, f64::max);
    let axis = Axis {
        least: least.log10().mul_add(10.0, 0.0).floor() / 10.0,
        most: (most.log10() * 10.0).ceil() / 10.0,
    };
    let [x, y] = CORNER;
    let _ = writeln!(
        svg,
        "<text x=\"{x}\" y=\"{}\" font-weight=\"bold\">{} requests/s, upstream of {} ms</text>",
        y - 14.0,
        setting.rate,
        setting.upstream_ms
    );
    for tick in axis.ticks() {
        let at = axis.y(tick);
        let _ = writeln!(
            svg,
            "<path d=\"M{x} {at:.1}h{}\" stroke=\"#e0e0e0\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{tick}</text>",
            CURVES[0],
            x - 6.0,
            at + 4.0
        );
    }
    for (name, part) in MARKS {
        let at = x + across(part);
        let _ = writeln!(
            svg,
            "<path d=\"M{at:.1} {y}v{}\" stroke=\"#e0e0e0\"/><text x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\">{name}</text>",
            CURVES[1],
            y + CURVES[1] + 16.0
        );
    }
    let _ = writeln!(
        svg,
        "<text x=\"14\" y=\"{}\" transform=\"rotate(-90 14 {0})\" text-anchor=\"middle\">ms</text>",
        y + CURVES[1] / 2.0
    );
    for (index, row) in setting.rows.iter().enumerate() {
        curve(row, &axis, COLOURS[index % COLOURS.len()], svg);
    }
}

fn curve(row: &Row, axis: &Axis, colour: &str, svg: &mut String) {
    let point = |step: u32| {
        // From the first percent to 99.9, evenly on the axis.
        let part = 1.0 - 10_f64.powf(-3.0 * f64::from(step) / f64::from(POINTS));
        let value = quantile(&row.sorted, part.max(0.01));
        format!("{:.1},{:.1}", CORNER[0] + across(part), axis.y(value))
    };
    let points: Vec<String> = (0..=POINTS).map(point).collect();
    let _ = writeln!(
        svg,
        "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"/>",
        points.join(" ")
    );
}

/// How far to the right a quantile is.
fn across(part: f64) -> f64 {
    -(1.0 - part).log10() / 3.0 * CURVES[0]
}

/// A logarithmic axis, in powers of ten.
struct Axis {
    least: f64,
    most: f64,
}

impl Axis {
    fn y(&self, value: f64) -> f64 {
        let part = (value.log10() - self.least) / (self.most - self.least).max(0.1);
        CORNER[1] + CURVES[1] * (1.0 - part.clamp(0.0, 1.0))
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        const TICKS: [f64; 16] =
            [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 2.0, 3.0, 5.0, 7.0, 10.0, 20.0, 50.0];
        let [least, most] = [self.least, self.most].map(|power| 10_f64.powf(power));
        TICKS.into_iter().filter(move |tick| (least..=most).contains(tick))
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::report;
    use super::plot;

    #[test]
    fn each_setting_has_a_panel_and_each_row_a_curve() {
        let svg = plot(&report());
        assert_eq!(svg.matches("requests/s").count(), 1);
        assert_eq!(svg.matches("<polyline").count(), 6);
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}
