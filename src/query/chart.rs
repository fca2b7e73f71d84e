//! A line over time, in braille: two dots wide and four high to a character.

use super::metrics::Series;
use super::screen::{Ink, Screen};
use super::units::{Unit, clock};

/// The time all drawings of one answer share.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    /// Milliseconds since the Unix epoch.
    pub(super) from: i64,
    pub(super) to: i64,
    /// Between two samples; more between two of a series is a gap.
    pub(super) step: i64,
}

impl Axis {
    /// Around all points; none if there are none.
    pub(super) fn of(series: &[Series]) -> Option<Self> {
        let times = || {
            series
                .iter()
                .flat_map(|series| &series.points)
                .map(|(at, _)| *at)
        };
        let gaps = series.iter().flat_map(|series| series.points.windows(2));
        Some(Self {
            from: times().min()?,
            to: times().max()?,
            step: gaps.map(|pair| pair[1].0 - pair[0].0).min().unwrap_or(0),
        })
    }

    /// Where a moment is among `cells`.
    pub(super) fn cell(&self, at: i64, cells: usize) -> usize {
        #[expect(clippy::cast_precision_loss, reason = "drawn to the dot")]
        let part = (at - self.from) as f64 / (self.to - self.from).max(1) as f64;
        nearest(part, cells)
    }

    /// The line below a drawing `width` wide that starts after `margin`, and the times at its ends.
    pub(super) fn draw(&self, margin: usize, width: usize, screen: &Screen) -> String {
        let span = self.to - self.from;
        let [from, to] = [self.from, self.to].map(|at| clock(at, span));
        let rule = format!("{:margin$} └{}", "", "─".repeat(width));
        let space = width.saturating_sub(to.len());
        let times = format!("{:margin$}  {from:space$}{to} UTC", "");
        format!(
            "{}\n{}\n",
            screen.paint(&rule, Ink::Faint),
            screen.paint(&times, Ink::Faint)
        )
    }
}

pub(super) fn draw(
    points: &[(i64, f64)],
    axis: Axis,
    height: usize,
    unit: Unit,
    screen: &Screen,
    ink: Ink,
) -> String {
    let values = || points.iter().map(|(_, value)| *value);
    let low = values().fold(0.0, f64::min);
    let high = values().fold(low, f64::max);
    let high = if high > low { high } else { low + 1.0 };
    let bounds = [high, f64::midpoint(high, low), low].map(|value| unit.show(value));
    let margin = bounds.iter().map(String::len).max().unwrap_or(0);
    let width = screen
        .width()
        .saturating_sub(margin + " ┤ UTC".len())
        .max(2);

    let mut canvas = Canvas::new(width, height);
    let place = |(at, value): (i64, f64)| {
        let up = nearest((value - low) / (high - low), height * 4);
        (axis.cell(at, width * 2), height * 4 - 1 - up)
    };
    for point in points {
        canvas.dot(place(*point));
    }
    for pair in points.windows(2) {
        if pair[1].0 - pair[0].0 <= axis.step {
            canvas.line(place(pair[0]), place(pair[1]));
        }
    }

    let mut out = String::new();
    for (row, line) in canvas.lines().enumerate() {
        let (label, tick) = match row {
            0 => (&*bounds[0], '┤'),
            row if row == height - 1 => (&*bounds[2], '┤'),
            row if row == height / 2 => (&*bounds[1], '┤'),
            _ => ("", '│'),
        };
        let label = screen.paint(&format!("{label:>margin$} {tick}"), Ink::Faint);
        out.push_str(&format!("{label}{}", screen.paint(&line, ink)));
        out.truncate(out.trim_end().len());
        out.push('\n');
    }
    out + axis.draw(margin, width, screen).as_str()
}

/// The one of `count` places a part of the whole is nearest to.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "clamped between zero and the size of a screen"
)]
fn nearest(part: f64, count: usize) -> usize {
    let last = count.saturating_sub(1) as f64;
    (part * last).round().clamp(0.0, last) as usize
}

struct Canvas {
    width: usize,
    /// The dots of each character, by row.
    cells: Vec<u8>,
}

impl Canvas {
    fn new(width: usize, height: usize) -> Self {
        Self {
            width,
            cells: vec![0; width * height],
        }
    }

    fn dot(&mut self, (x, y): (usize, usize)) {
        // Braille numbers its dots down the left column, down the right one, then the bottom row.
        const DOTS: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
        self.cells[y / 4 * self.width + x / 2] |= DOTS[y % 4][x % 2];
    }

    fn line(&mut self, from: (usize, usize), to: (usize, usize)) {
        let steps = from.0.abs_diff(to.0).max(from.1.abs_diff(to.1)).max(1);
        let between =
            |a: usize, b: usize, at: usize| (a * (steps - at) + b * at + steps / 2) / steps;
        for at in 0..=steps {
            self.dot((between(from.0, to.0, at), between(from.1, to.1, at)));
        }
    }

    fn lines(&self) -> impl Iterator<Item = String> {
        let draw = |dots: &u8| match *dots {
            0 => ' ',
            dots => char::from_u32(0x2800 + u32::from(dots)).unwrap_or(' '),
        };
        self.cells
            .chunks(self.width)
            .map(move |row| row.iter().map(draw).collect())
    }
}
