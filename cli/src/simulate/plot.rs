//! The picture of a simulation: for each variant the observed share over the expected one.

use anyhow::{anyhow, bail};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::{FontStyle, register_font};
use std::path::Path;
use weir_workbench::simulate::Bar;

const SIZE: (u32, u32) = (900, 520);
const OBSERVED: RGBColor = RGBColor(76, 120, 168);
const EXPECTED: RGBColor = RGBColor(228, 87, 86);

/// Draws to a file; its ending chooses the format, `.svg` or `.png`.
///
/// # Errors
/// Another ending, or why the file cannot be written.
pub(crate) fn draw(path: &Path, title: &str, bars: &[Bar]) -> anyhow::Result<()> {
    register_font("sans-serif", FontStyle::Normal, epaint_default_fonts::UBUNTU_LIGHT)
        .map_err(|_| anyhow!("the built-in font is broken"))?;
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("svg") => chart(&SVGBackend::new(path, SIZE).into_drawing_area(), title, bars),
        Some("png") => chart(&BitMapBackend::new(path, SIZE).into_drawing_area(), title, bars),
        _ => bail!("a plot's file must end in .svg or .png"),
    }
}

fn chart<B: DrawingBackend>(area: &DrawingArea<B, Shift>, title: &str, bars: &[Bar]) -> anyhow::Result<()>
where
    B::ErrorType: 'static,
{
    area.fill(&WHITE)?;
    let highest = bars.iter().map(|bar| bar.observed.max(bar.expected + bar.four_sigma)).fold(0.0, f64::max);
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 24))
        .margin(16)
        .x_label_area_size(40)
        .y_label_area_size(64)
        .build_cartesian_2d(
            (0..bars.len().saturating_sub(1)).into_segmented(),
            0.0..(highest * 1.15).max(0.01),
        )?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .y_max_light_lines(1)
        .y_desc("share of all units")
        .y_label_formatter(&|share| format!("{:.1} %", share * 100.0))
        .x_label_formatter(&|position| label(position, bars))
        .x_labels(bars.len() + 1)
        .label_style(("sans-serif", 15))
        .draw()?;
    let columns = bars.iter().enumerate().map(|(index, bar)| {
        let corners = [(SegmentValue::Exact(index), 0.0), (SegmentValue::Exact(index + 1), bar.observed)];
        let mut column = Rectangle::new(corners, OBSERVED.mix(0.8).filled());
        column.set_margin(0, 0, 24, 24);
        column
    });
    chart.draw_series(columns)?.label("observed").legend(|(x, y)| key(x, y, OBSERVED));
    let whiskers = bars.iter().enumerate().map(|(index, bar)| {
        let (low, high) = (bar.expected - bar.four_sigma, bar.expected + bar.four_sigma);
        let style = EXPECTED.stroke_width(2);
        ErrorBar::new_vertical(SegmentValue::CenterOf(index), low.max(0.0), bar.expected, high, style, 12)
    });
    chart.draw_series(whiskers)?.label("expected, ± 4 sigma").legend(|(x, y)| key(x, y, EXPECTED));
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .label_font(("sans-serif", 15))
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.3))
        .draw()?;
    Ok(area.present()?)
}

fn label(position: &SegmentValue<usize>, bars: &[Bar]) -> String {
    match position {
        SegmentValue::CenterOf(index) => bars.get(*index).map_or_else(String::new, |bar| bar.name.clone()),
        SegmentValue::Exact(_) | SegmentValue::Last => String::new(),
    }
}

/// The mark of a series in the legend.
fn key(x: i32, y: i32, colour: RGBColor) -> Rectangle<(i32, i32)> {
    Rectangle::new([(x, y - 5), (x + 14, y + 5)], colour.filled())
}
