//! A query answers the same after the optimiser has been over it.

use takt_reference::random::{Queries, Rng, Size, TICK, TIME, requests};
use takt_reference::{Corpus, Interval, Set, metrics, search};
use takt_traceql::{Body, Pipeline, Query, optimise, parse};

/// What a query finds, trace by trace.
fn found(corpus: &Corpus<'_>, pipeline: &Pipeline) -> Vec<(usize, Vec<Set>)> {
    search(corpus, pipeline)
        .into_iter()
        .map(|found| {
            let at = corpus
                .traces
                .iter()
                .position(|trace| std::ptr::eq(trace, found.trace));
            (at.unwrap_or_default(), found.sets)
        })
        .collect()
}

fn agree(corpus: &Corpus<'_>, text: &str, query: &Query) {
    let optimised = optimise(query.clone());
    match (&query.body, &optimised.body) {
        (Body::Search(plain), Body::Search(rewritten)) => {
            let expected = found(corpus, plain);
            assert_eq!(found(corpus, rewritten), expected, "{text}\nas {optimised}");
            if optimised.never_matches() {
                assert_eq!(expected, [], "{text} never matches");
            }
        }
        (Body::Metrics(plain), Body::Metrics(rewritten)) => {
            let interval = Interval {
                start: TIME,
                end: TIME + 40 * TICK,
                step: 5 * TICK,
            };
            let answer = |expr| format!("{:?}", metrics(corpus, expr, interval));
            assert_eq!(answer(rewritten), answer(plain), "{text}\nas {optimised}");
        }
        (plain, rewritten) => assert_eq!(plain, rewritten, "{text} is of another kind now"),
    }
}

/// Conditions of a random query in places where the passes have something to do.
fn variants(filters: &[String]) -> Vec<String> {
    let inside = |at: usize| -> &str {
        let text = filters[at % filters.len()].trim();
        text.trim_start_matches('{').trim_end_matches('}').trim()
    };
    let (a, b, c) = (inside(0), inside(1), inside(2));
    if a.is_empty() || b.is_empty() || c.is_empty() {
        return Vec::new();
    }
    vec![
        format!("{{ ({a}) && true || !!({b}) && 1 < 2 }}"),
        format!("{{ {a} }} | {{ {b} }} | {{ {c} }} | count() > 0"),
        format!("{{ {a} }} >> {{ {b} }} | {{ {c} }}"),
        format!("{{ {a} }} !> {{ {b} }} | {{ {c} }} | by(.x) | {{ {a} }}"),
        format!("({{ {a} }} | {{ {b} }}) && {{ {c} }}"),
        format!("{{ ({a}) && duration > 2s && duration < 1s }}"),
        format!("{{ span.x = 1 || ({a}) || span.x = 2 || span.x = `a` }}"),
        format!("{{ resource.x != 1 && ({a}) && resource.x != `a` && !({b}) }}"),
        format!("{{ .x != 1 && .x != `a` && (.x =~ `a` || .x =~ `b.*` || ({a})) }}"),
        format!("{{ name !~ `a.*` && name !~ `.*b` && ({c}) }} | by(event:name)"),
        format!("!{{ ({a}) || false }} | {{ {b} }} | {{ }}"),
    ]
}

#[test]
fn the_optimiser_changes_no_answer() {
    let mut asked = 0;
    for seed in 0..150 {
        let mut rng = Rng::new(seed);
        let requests = requests(&mut rng, Size::Small);
        let corpus = Corpus::new(&requests);
        let mut queries = Queries::new(&corpus, rng);
        let mut texts: Vec<String> = (0..10).map(|_| queries.search()).collect();
        let filters: Vec<String> = texts
            .iter()
            .filter(|text| takt_traceql::parse_filter(text).is_ok())
            .cloned()
            .collect();
        if !filters.is_empty() {
            texts.extend(variants(&filters));
        }
        texts.extend((0..5).map(|_| queries.metrics()));
        for text in texts {
            if let Ok(query) = parse(&text) {
                asked += 1;
                agree(&corpus, &text, &query);
            }
        }
    }
    assert!(asked > 2_000, "{asked} queries were sound");
}
