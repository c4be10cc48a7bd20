//! The curves as a picture: a panel each for rules, experiments and faults, a curve for each kind of them.

use std::fmt::Write as _;

use super::{COUNTS, Report};

const COLOURS: [&str; 10] = [
    "#1a73e8", "#d93025", "#188038", "#f29900", "#9334e6", "#12b5cb", "#202124", "#e52592", "#80868b",
    "#7c4d00",
];
/// What each panel is about: how the names of its kinds begin.
const PANELS: [&str; 3] = ["rules", "experiments", "faults"];
/// The width of a panel with what is around it.
const PANEL: f64 = 420.0;
const CURVES: [f64; 2] = [330.0, 240.0];
/// Where the curves of a panel begin.
const CORNER: [f64; 2] = [74.0, 40.0];
/// The height of a line of a panel's legend.
const LINE: f64 = 16.0;
/// The vertical axis, in powers of ten of fuel.
const POWERS: [i32; 2] = [3, 7];

/// The curves of all kinds as SVG.
pub(crate) fn plot(report: &Report) -> String {
    let kinds = |panel: &'static str| report.0.iter().filter(move |(kind, _)| kind.name.starts_with(panel));
    let lines = PANELS.iter().map(|panel| kinds(panel).count()).max().unwrap_or_default();
    let legend = CORNER[1] + CURVES[1] + 36.0;
    let [width, height] = [PANEL * PANELS.len() as f64, legend + lines as f64 * LINE + 8.0];
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n"
    );
    for (index, panel) in PANELS.iter().enumerate() {
        // Writing to a text cannot fail.
        let _ = writeln!(svg, "<g transform=\"translate({} 0)\">", index as f64 * PANEL);
        frame(panel, &mut svg);
        for ((place, (kind, costs)), colour) in kinds(panel).enumerate().zip(COLOURS.iter().cycle()) {
            let points = COUNTS.iter().zip(costs).map(|(count, cost)| {
                format!("{:.1},{:.1}", across(*count as f64), height_of((*cost).max(1) as f64))
            });
            let points = points.collect::<Vec<_>>().join(" ");
            let name = kind.name.replace('`', "");
            let at = legend + place as f64 * LINE;
            let _ = writeln!(
                svg,
                "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"/>\n\
                 <path d=\"M{left} {at}h18\" stroke=\"{colour}\" stroke-width=\"2\"/>\
                 <text x=\"{}\" y=\"{}\" font-size=\"11\">{name}</text>",
                CORNER[0] + 24.0,
                at + 4.0,
                left = CORNER[0],
            );
        }
        svg.push_str("</g>\n");
    }
    svg.push_str("</svg>\n");
    svg
}

/// The axes of a panel.
fn frame(panel: &str, svg: &mut String) {
    let [x, y] = CORNER;
    let _ = writeln!(
        svg,
        "<text x=\"{x}\" y=\"{}\" font-weight=\"bold\">fuel of a request, by the number of {panel}</text>",
        y - 14.0
    );
    for power in POWERS[0]..=POWERS[1] {
        let at = height_of(10_f64.powi(power));
        let label = ["1,000", "10,000", "100,000", "1 million", "10 million"];
        let label = label.get((power - POWERS[0]).unsigned_abs() as usize).unwrap_or(&"");
        let _ = writeln!(
            svg,
            "<path d=\"M{x} {at:.1}h{}\" stroke=\"#e0e0e0\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>",
            CURVES[0],
            x - 6.0,
            at + 4.0
        );
    }
    for count in COUNTS {
        let at = across(count as f64);
        let _ = writeln!(
            svg,
            "<path d=\"M{at:.1} {y}v{}\" stroke=\"#e0e0e0\"/><text x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\">{count}</text>",
            CURVES[1],
            y + CURVES[1] + 16.0
        );
    }
}

/// How far to the right a number of rules is.
fn across(count: f64) -> f64 {
    CORNER[0] + CURVES[0] * count.log10() / 3.0
}

/// How far down a cost is.
fn height_of(fuel: f64) -> f64 {
    let [least, most] = POWERS.map(f64::from);
    let part = (fuel.log10() - least) / (most - least);
    CORNER[1] + CURVES[1] * (1.0 - part.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_tests::growth::KINDS;

    #[test]
    fn each_kind_has_a_curve() {
        let rows: Vec<_> = KINDS.into_iter().map(|kind| (kind, [0, 10, 1_000, 100_000_000])).collect();
        let svg = plot(&Report(rows));
        assert_eq!(svg.matches("<polyline").count(), KINDS.len());
        assert_eq!(svg.matches("by the number of").count(), PANELS.len());
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}
