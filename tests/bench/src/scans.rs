//! TraceQL over stored spans with warm columns: whole scans in spans a second, lookups in milliseconds.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::ensure;
use takt_testkit::Client;
use tokio::time::Instant;

/// Times a question is asked; the first is not counted.
const ROUNDS: usize = 6;

/// How the time a question takes is read.
#[derive(Debug, Clone, Copy)]
enum Mark {
    /// At least so many million spans a second.
    Scan(u32),
    /// At most so many milliseconds.
    Within(u32),
}

#[derive(Debug)]
struct Question {
    what: &'static str,
    path: &'static str,
    query: &'static str,
    mark: Mark,
}

const RANGE: &str = "/api/metrics/query_range";
const SEARCH: &str = "/api/search";

const QUESTIONS: &[Question] = &[
    Question {
        what: "`rate()`",
        path: RANGE,
        query: "{ } | rate()",
        mark: Mark::Scan(100),
    },
    Question {
        what: "`rate()` by service",
        path: RANGE,
        query: "{ } | rate() by (resource.service.name)",
        mark: Mark::Scan(80),
    },
    Question {
        what: "p99 of duration by service",
        path: RANGE,
        query: "{ } | quantile_over_time(duration, .99) by (resource.service.name)",
        mark: Mark::Scan(50),
    },
    Question {
        what: "no match, whole scan",
        path: SEARCH,
        query: "{ duration < 1ns && kind = server }",
        mark: Mark::Scan(100),
    },
    Question {
        what: "structural `>>`",
        path: SEARCH,
        query: r#"{ resource.service.name = "orders" } >> { span.db.system = "mysql" && duration > 10m }"#,
        mark: Mark::Scan(20),
    },
    Question {
        what: "structural `>>`, counted",
        path: RANGE,
        query: r#"{ resource.service.name = "orders" } >> { span.db.system = "mysql" } | rate()"#,
        mark: Mark::Scan(20),
    },
    Question {
        what: "service and duration, newest 20",
        path: SEARCH,
        query: r#"{ resource.service.name = "orders" && duration > 50ms }"#,
        mark: Mark::Within(10),
    },
    Question {
        what: "equality on a key of many values",
        path: SEARCH,
        query: r#"{ span.app.user_id = "nobody" }"#,
        mark: Mark::Within(30),
    },
    Question {
        what: "values of a tag",
        path: "/api/v2/search/tag/resource.service.name/values",
        query: "",
        mark: Mark::Within(5),
    },
];

/// What one server answered, in the order of the questions.
pub(crate) type Times = Vec<Result<Duration, String>>;

/// Asks everything, one question at a time, over a window of `seconds` that ends at `end` (Unix seconds).
pub(crate) async fn ask(client: &Client, end: u64, seconds: u64) -> anyhow::Result<Times> {
    let (start, end) = ((end - seconds).to_string(), end.to_string());
    let mut times = Vec::new();
    for question in QUESTIONS {
        let mut parameters = vec![("start", start.as_str()), ("end", end.as_str())];
        if !question.query.is_empty() {
            parameters.push(("q", question.query));
        }
        if question.path == RANGE {
            parameters.extend([("step", "60"), ("exemplars", "0")]);
        }
        times.push(time(client, question.path, &parameters).await?);
    }
    Ok(times)
}

/// The median of some rounds after the first.
async fn time(
    client: &Client,
    path: &str,
    parameters: &[(&str, &str)],
) -> anyhow::Result<Result<Duration, String>> {
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let answer = client.get_with(path, parameters).await?;
        times.push(began.elapsed());
        if answer.status != 200 {
            return Ok(Err(format!("status {}: {}", answer.status, answer.text())));
        }
    }
    ensure!(times.len() == ROUNDS, "every round is timed");
    let mut counted = times.split_off(1);
    counted.sort_unstable();
    Ok(Ok(counted[counted.len() / 2]))
}

/// Questions as rows, servers side by side; the ratio is the last server's time over the first's.
pub(crate) fn table(servers: &[(&str, Times)], spans: usize) -> String {
    let mut out = String::from("| |");
    for (name, _) in servers {
        let _ = write!(out, " {name} |");
    }
    let ratio = servers.len() > 1;
    out.push_str(if ratio {
        " times as fast | mark |\n"
    } else {
        " mark |\n"
    });
    out.push_str("|---|");
    out.push_str(&"---|".repeat(servers.len() + 1 + usize::from(ratio)));
    out.push('\n');
    for (at, question) in QUESTIONS.iter().enumerate() {
        let _ = write!(out, "| {} |", question.what);
        for (_, times) in servers {
            let _ = write!(out, " {} |", shown(question.mark, &times[at], spans));
        }
        if ratio {
            let _ = write!(out, " {} |", faster(servers, at));
        }
        let _ = match question.mark {
            Mark::Scan(millions) => writeln!(out, " ≥ {millions} M spans/s |"),
            Mark::Within(millis) => writeln!(out, " ≤ {millis} ms |"),
        };
    }
    out
}

#[expect(clippy::cast_precision_loss, reason = "shown with a few digits")]
fn shown(mark: Mark, time: &Result<Duration, String>, spans: usize) -> String {
    match (time, mark) {
        (Err(refused), _) => refused.chars().take(60).collect(),
        (Ok(time), Mark::Within(_)) => format!("{:.1} ms", time.as_secs_f64() * 1e3),
        (Ok(time), Mark::Scan(_)) => format!(
            "{:.0} M spans/s ({:.0} ms)",
            spans as f64 / time.as_secs_f64() / 1e6,
            time.as_secs_f64() * 1e3
        ),
    }
}

fn faster(servers: &[(&str, Times)], at: usize) -> String {
    match (servers.first(), servers.last()) {
        (Some((_, first)), Some((_, last))) => match (&first[at], &last[at]) {
            (Ok(ours), Ok(theirs)) => {
                format!("{:.1}", theirs.as_secs_f64() / ours.as_secs_f64())
            }
            _ => "not comparable".to_owned(),
        },
        _ => String::new(),
    }
}
