//! Everything that happens, as text: what two runs of a seed are compared by.

use std::cell::Cell;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tracing::Dispatch;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;

/// A subscriber that writes what passes `filter`, with simulated time.
///
/// # Errors
/// When `filter` is none.
pub fn subscriber(
    filter: &str,
    sink: impl Write + Send + 'static,
) -> Result<Dispatch, tracing_subscriber::filter::ParseError> {
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_new(filter)?)
        .with_ansi(false)
        .with_timer(SimTime)
        .with_writer(Sink(Arc::new(Mutex::new(sink))))
        .finish();
    Ok(Dispatch::new(subscriber))
}

thread_local! {
    static NOW: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// A step of the simulation on this thread begins.
pub(crate) fn step_at(now: Duration) {
    NOW.set(now);
}

struct SimTime;

impl FormatTime for SimTime {
    fn format_time(&self, writer: &mut Writer<'_>) -> std::fmt::Result {
        write!(writer, "{:>9.3}", NOW.get().as_secs_f64())
    }
}

struct Sink<W>(Arc<Mutex<W>>);

impl<W> Clone for Sink<W> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<W: Write> Write for Sink<W> {
    /// The subscriber writes each event whole.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().write_all(&without_instants(bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.lock().flush()
    }
}

impl<'a, W: Write + 'a> MakeWriter<'a> for Sink<W> {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Takes out what openraft and tokio print of instants. They count from when the machine started, and
/// openraft prints them as the time of day; nothing but what is printed depends on it.
fn without_instants(event: &[u8]) -> Vec<u8> {
    let mut rest = event;
    let mut kept = Vec::with_capacity(event.len());
    while let Some(first) = rest.first() {
        let skipped = instant(rest);
        if skipped == 0 {
            kept.push(*first);
            rest = &rest[1..];
        } else {
            kept.push(b'~');
            rest = &rest[skipped..];
        }
    }
    kept
}

/// How long the instant is with which a text begins; 0 if it does not begin with one.
fn instant(text: &[u8]) -> usize {
    for name in ["tv_sec: ", "tv_nsec: "] {
        if let Some(digits) = text.strip_prefix(name.as_bytes()) {
            return name.len()
                + digits
                    .iter()
                    .take_while(|byte| byte.is_ascii_digit())
                    .count();
        }
    }
    let shape = b"00:00:00.000000";
    let fits = text.len() >= shape.len()
        && text.iter().zip(shape).all(|(byte, shape)| match shape {
            b'0' => byte.is_ascii_digit(),
            mark => byte == mark,
        });
    if fits { shape.len() } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_taken_out_and_nothing_else() {
        let taken = |text: &str| String::from_utf8(without_instants(text.as_bytes())).unwrap();
        assert_eq!(taken("<T1-N1:->@23:35:05.960975, x"), "<T1-N1:->@~, x");
        assert_eq!(taken("{ tv_sec: 2651, tv_nsec: 17 }"), "{ ~, ~ }");
        assert_eq!(taken("at 12:30, 1.5s, T1-N1.3"), "at 12:30, 1.5s, T1-N1.3");
    }
}
