//! Plots as SVG that stands in a page: lines over time, and bands around them.

use super::time;
use std::fmt::Write as _;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 260.0;
/// Room for the numbers at the left, and for the dates below.
const LEFT: f64 = 64.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 28.0;
/// Marks on an axis.
const MARKS: usize = 5;
/// Colours of lines; the page's style has them.
pub(super) const COLOURS: usize = 6;

/// A point: seconds since 1970, a value, and the ends of the band around it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) time: u64,
    pub(super) value: f64,
    pub(super) band: Option<(f64, f64)>,
}

/// A line with its name.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) name: String,
    /// Which colour it has.
    pub(super) colour: usize,
    pub(super) points: Vec<Point>,
}

/// A plot.
pub(super) struct Plot<'a> {
    /// Its `id` in the page.
    pub(super) id: String,
    /// What it shows, for screen readers.
    pub(super) title: String,
    pub(super) lines: Vec<Line>,
    /// A line across, with its name.
    pub(super) limit: Option<(f64, &'a str)>,
    /// Whether 0 is in it in any case.
    pub(super) from_zero: bool,
    /// How values are written.
    pub(super) form: &'a dyn Fn(f64) -> String,
}

/// From values to places in the picture.
struct Scale {
    times: (f64, f64),
    values: (f64, f64),
}

impl Plot<'_> {
    /// The picture with its legend. Empty without a point.
    pub(super) fn svg(&self) -> String {
        let Some(scale) = self.scale() else { return String::new() };
        let mut svg = format!(
            "<figure id=\"{}\"><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title}\">\n\
             <title>{title}</title>\n",
            self.id,
            title = escape(&self.title)
        );
        self.axes(&scale, &mut svg);
        for line in &self.lines {
            band(line, &scale, &mut svg);
        }
        if let Some((limit, name)) = self.limit {
            let y = scale.y(limit);
            let _ = writeln!(
                svg,
                "<line class=\"limit\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
                 <text class=\"limit-name\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                WIDTH - RIGHT,
                WIDTH - RIGHT - 4.0,
                y - 5.0,
                escape(name)
            );
        }
        for line in &self.lines {
            self.line(line, &scale, &mut svg);
        }
        svg.push_str("</svg>\n<figcaption>");
        for line in &self.lines {
            let _ =
                write!(svg, "<span class=\"key c{}\">{}</span> ", line.colour % COLOURS, escape(&line.name));
        }
        svg.push_str("</figcaption></figure>\n");
        svg
    }

    fn scale(&self) -> Option<Scale> {
        let points = || self.lines.iter().flat_map(|line| &line.points);
        let times = (points().map(|it| it.time).min()?, points().map(|it| it.time).max()?);
        let ends = |it: &Point| it.band.map_or([it.value; 2], |(low, high)| [low, high]);
        // The first points of a sequence can be as wide as anything; the picture is as high as the later half needs.
        let middle = times.0 + (times.1 - times.0) / 2;
        let bands = points().filter(|it| it.time >= middle).flat_map(ends);
        let values = bands.chain(points().map(|it| it.value)).chain(self.limit.map(|(limit, _)| limit));
        let values: Vec<f64> =
            values.chain(self.from_zero.then_some(0.0)).filter(|it| it.is_finite()).collect();
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let room = if high > low { (high - low) * 0.08 } else { high.abs().max(1.0) * 0.5 };
        let low = if self.from_zero && low == 0.0 { 0.0 } else { low - room };
        let times = (times.0 as f64, (times.1 as f64).max(times.0 as f64 + 1.0));
        Some(Scale { times, values: (low, high + room) })
    }

    fn axes(&self, scale: &Scale, svg: &mut String) {
        for mark in 0..MARKS {
            let part = mark as f64 / (MARKS - 1) as f64;
            let value = scale.values.0 + part * (scale.values.1 - scale.values.0);
            let y = scale.y(value);
            let _ = writeln!(
                svg,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
                 <text class=\"mark\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                WIDTH - RIGHT,
                LEFT - 6.0,
                y + 4.0,
                escape(&(self.form)(value))
            );
            let time = (scale.times.0 + part * (scale.times.1 - scale.times.0)) as u64;
            let text = match scale.times.1 - scale.times.0 {
                long if long > 2.0 * 86_400.0 => time::date(time)[5..].to_owned(),
                _ => time::rfc3339(time)[11..16].to_owned(),
            };
            let _ = writeln!(
                svg,
                "<text class=\"mark\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{text}</text>",
                scale.x(time),
                HEIGHT - 8.0
            );
        }
    }

    fn line(&self, line: &Line, scale: &Scale, svg: &mut String) {
        let colour = line.colour % COLOURS;
        let places: Vec<String> = line
            .points
            .iter()
            .map(|it| format!("{:.1},{:.1}", scale.x(it.time), scale.y(it.value)))
            .collect();
        let _ = writeln!(svg, "<polyline class=\"line c{colour}\" points=\"{}\"/>", places.join(" "));
        for point in &line.points {
            let _ = writeln!(
                svg,
                "<circle class=\"c{colour}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\"><title>{}: {}, {}</title></circle>",
                scale.x(point.time),
                scale.y(point.value),
                escape(&line.name),
                time::rfc3339(point.time),
                escape(&(self.form)(point.value))
            );
        }
    }
}

fn band(line: &Line, scale: &Scale, svg: &mut String) {
    let ends: Vec<(u64, f64, f64)> =
        line.points.iter().filter_map(|it| it.band.map(|(low, high)| (it.time, low, high))).collect();
    if ends.len() < 2 {
        return;
    }
    let place = |time: u64, value: f64| format!("{:.1},{:.1}", scale.x(time), scale.y(value));
    let upper = ends.iter().map(|(time, _, high)| place(*time, *high));
    let lower = ends.iter().rev().map(|(time, low, _)| place(*time, *low));
    let places: Vec<String> = upper.chain(lower).collect();
    let _ =
        writeln!(svg, "<polygon class=\"band c{}\" points=\"{}\"/>", line.colour % COLOURS, places.join(" "));
}

impl Scale {
    fn x(&self, time: u64) -> f64 {
        LEFT + (time as f64 - self.times.0) / (self.times.1 - self.times.0) * (WIDTH - LEFT - RIGHT)
    }

    /// Within the picture in any case.
    fn y(&self, value: f64) -> f64 {
        let part = ((value - self.values.0) / (self.values.1 - self.values.0)).clamp(0.0, 1.0);
        HEIGHT - BOTTOM - part * (HEIGHT - TOP - BOTTOM)
    }
}

/// Text as it stands in HTML and in attributes of it.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(points: Vec<Point>) -> String {
        let line = Line { name: "<a>".to_owned(), colour: 0, points };
        let form = |value: f64| format!("{value:.1}");
        let title = "units \"a day\"".to_owned();
        Plot { id: "p".to_owned(), title, lines: vec![line], limit: None, from_zero: true, form: &form }.svg()
    }

    #[test]
    fn everything_is_within_the_picture() {
        let at = |time, value, band| Point { time, value, band };
        let svg = plot(vec![
            at(0, 5.0, Some((-1e9, 1e9))),
            at(50, 6.0, Some((5.0, 7.0))),
            at(100, 4.0, Some((3.0, 5.0))),
        ]);
        assert!(
            svg.contains("&lt;a&gt;") && !svg.contains("<a>") && svg.contains("units &quot;a day&quot;"),
            "{svg}"
        );
        assert!(svg.contains("class=\"band c0\"") && !svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        let places =
            svg.split("cy=\"").skip(1).map(|rest| rest.split('"').next().unwrap().parse::<f64>().unwrap());
        assert!(places.into_iter().all(|y| (0.0..=HEIGHT).contains(&y)));
    }

    #[test]
    fn one_point_and_none_are_no_trouble() {
        assert_eq!(plot(Vec::new()), "");
        let svg = plot(vec![Point { time: 7, value: 0.0, band: None }]);
        assert!(svg.contains("<circle") && !svg.contains("NaN"), "{svg}");
    }
}
