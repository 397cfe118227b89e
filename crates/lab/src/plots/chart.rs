//! A chart with lines, axes and a legend.

use std::error::Error;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

const WIDTH: u32 = 880;
const HEIGHT: u32 = 500;
const FONT: &str = "sans-serif";

pub const BLUE: RGBColor = RGBColor(0, 94, 162);
pub const ORANGE: RGBColor = RGBColor(196, 85, 0);

/// How a line is drawn. A second mark beside the colour, for whoever does not see the difference.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Stroke {
    Solid,
    Dashed,
    Dotted,
}

pub struct Line {
    pub label: &'static str,
    pub color: RGBColor,
    pub stroke: Stroke,
    pub points: Vec<(f64, f64)>,
}

/// An axis: from 0 or another start to an end, in steps.
pub struct Axis {
    pub title: &'static str,
    pub from: f64,
    pub to: f64,
    pub ticks: usize,
    pub label: fn(f64) -> String,
}

pub struct Chart {
    pub title: &'static str,
    pub x: Axis,
    pub y: Axis,
    pub lines: Vec<Line>,
}

impl Chart {
    pub fn draw(&self) -> Result<String, Box<dyn Error>> {
        let mut svg = String::new();
        {
            let root = SVGBackend::with_string(&mut svg, (WIDTH, HEIGHT)).into_drawing_area();
            // Readers choose dark pages; black text needs its own ground.
            root.fill(&WHITE)?;
            // The legend stands beside the lines, where it hides none.
            let (left, right) = root.split_horizontally(WIDTH - 260);
            self.draw_lines(&left)?;
            self.draw_legend(&right)?;
            root.present()?;
        }
        Ok(svg)
    }

    fn draw_lines<DB: DrawingBackend>(
        &self,
        area: &DrawingArea<DB, plotters::coord::Shift>,
    ) -> Result<(), Box<dyn Error>>
    where
        DB::ErrorType: 'static,
    {
        let mut chart = ChartBuilder::on(area)
            .caption(self.title, (FONT, 22))
            .margin(12)
            .x_label_area_size(52)
            .y_label_area_size(64)
            .build_cartesian_2d(self.x.from..self.x.to, self.y.from..self.y.to)?;
        chart
            .configure_mesh()
            .x_desc(self.x.title)
            .y_desc(self.y.title)
            .x_labels(self.x.ticks)
            .y_labels(self.y.ticks)
            .x_label_formatter(&|value| (self.x.label)(*value))
            .y_label_formatter(&|value| (self.y.label)(*value))
            .max_light_lines(0)
            .axis_desc_style((FONT, 18))
            .label_style((FONT, 16))
            .draw()?;
        for Line { color, stroke, points, .. } in &self.lines {
            let style = color.stroke_width(2);
            let points = points.iter().copied();
            match stroke {
                Stroke::Solid => chart.draw_series(LineSeries::new(points, style)).map(drop)?,
                Stroke::Dashed => chart.draw_series(DashedLineSeries::new(points, 8, 5, style)).map(drop)?,
                Stroke::Dotted => chart.draw_series(DashedLineSeries::new(points, 2, 4, style)).map(drop)?,
            }
        }
        Ok(())
    }

    fn draw_legend<DB: DrawingBackend>(
        &self,
        area: &DrawingArea<DB, plotters::coord::Shift>,
    ) -> Result<(), Box<dyn Error>>
    where
        DB::ErrorType: 'static,
    {
        let font = (FONT, 16).into_text_style(area).pos(Pos::new(HPos::Left, VPos::Center));
        for (y, Line { label, color, stroke, .. }) in (60..).step_by(26).zip(&self.lines) {
            let style = color.stroke_width(2);
            let (length, gap) = match stroke {
                Stroke::Solid => (36, 0),
                Stroke::Dashed => (8, 5),
                Stroke::Dotted => (2, 4),
            };
            let mut at = 4;
            while at < 40 {
                area.draw(&PathElement::new(vec![(at, y), ((at + length).min(40), y)], style))?;
                at += length + gap;
            }
            area.draw(&Text::new(*label, (48, y), font.clone()))?;
        }
        Ok(())
    }
}
