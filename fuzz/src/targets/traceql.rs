//! TraceQL: what parses prints canonically and parses back to the same tree.

use std::fs;
use std::path::Path;

use super::{Effect, Target, effect};

pub(super) fn target(golden: &Path) -> anyhow::Result<Target> {
    let queries = fs::read_to_string(golden.join("queries.txt"))?;
    let seeds = queries
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('\t'))
        .map(|(_, query)| query.as_bytes().to_vec())
        .collect();
    Ok(Target {
        name: "traceql",
        seeds,
        words: &[
            b"{",
            b"}",
            b"(",
            b")",
            b" && ",
            b" || ",
            b" = ",
            b" != ",
            b" =~ ",
            b" !~ ",
            b" >= ",
            b"!",
            b"-",
            b"+ 1",
            b"^",
            b"%",
            b"nil",
            b"true",
            b"\"",
            b"\\",
            b"`",
            b"100ms",
            b"1h3m",
            b"1e308",
            b"-9223372036854775808",
            b"span.",
            b"resource.",
            b"event:name",
            b"link:traceID",
            b"parent.",
            b"duration",
            b"status = error",
            b"kind",
            b"span.\"a b\"",
            b" | count() > 1",
            b" | avg(duration)",
            b" | by(name)",
            b" | select(.a)",
            b" | coalesce()",
            b" | rate()",
            b" | quantile_over_time(duration, .5, .9)",
            b" | compare({ }, 10)",
            b" by (name)",
            b" | topk(3)",
            b" | order by start asc",
            b" with(most_recent=true)",
            b" >> ",
            b" !~ ",
            b" &<< ",
            b"!{ }",
            b"// x\n",
        ],
        run,
    })
}

fn run(input: &[u8]) -> Effect {
    let Ok(text) = std::str::from_utf8(input) else {
        return 0;
    };
    let lenient = takt_traceql::lenient(text);
    let shape = match takt_traceql::parse(text) {
        Ok(query) => {
            let printed = query.to_string();
            let again =
                takt_traceql::parse(&printed).unwrap_or_else(|error| unparsable(&printed, &error));
            assert_eq!(again, query, "`{printed}` is printed of another tree");
            let optimised = takt_traceql::optimise(query);
            let _ = optimised.never_matches();
            let rewritten = optimised.to_string();
            let again = takt_traceql::parse(&rewritten)
                .unwrap_or_else(|error| unparsable(&rewritten, &error));
            assert_eq!(
                takt_traceql::optimise(again),
                optimised,
                "`{rewritten}` is another query than `{printed}`"
            );
            // What matters of a query is its shape, not its names and numbers.
            printed
                .chars()
                .filter(|c| !c.is_alphanumeric())
                .take(24)
                .collect()
        }
        Err(error) => error
            .explain(text)
            .chars()
            .filter(|c| !c.is_ascii_digit())
            .take(40)
            .collect::<String>(),
    };
    effect(&format!("{shape} {}", format!("{lenient:?}").len() / 64))
}

#[expect(clippy::panic, reason = "a panic is how a target fails")]
fn unparsable(printed: &str, error: &takt_traceql::ParseError) -> takt_traceql::Query {
    panic!("`{printed}` was printed and does not parse: {error}")
}
