//! What is generated must be worth running: mostly sound, often matching something and not everything.

use takt_reference::random::{Queries, Rng, Size, requests};
use takt_reference::{Corpus, search};
use takt_traceql::{Body, parse};

/// (asked, sound, telling) of some hundred queries.
fn share(metrics: bool) -> (usize, usize, usize) {
    let (mut asked, mut sound, mut telling) = (0, 0, 0);
    for seed in 0..60 {
        let mut rng = Rng::new(seed);
        let requests = requests(&mut rng, Size::Small);
        let corpus = Corpus::new(&requests);
        let all: usize = corpus.traces.iter().map(|trace| trace.spans.len()).sum();
        let mut queries = Queries::new(&corpus, rng);
        for _ in 0..20 {
            let text = if metrics {
                queries.metrics()
            } else {
                queries.search()
            };
            asked += 1;
            let Ok(query) = parse(&text) else { continue };
            sound += 1;
            let pipelines = match query.body {
                Body::Search(pipeline) => vec![pipeline],
                Body::Metrics(expr) => {
                    let mut pipelines = Vec::new();
                    expr.for_each_query(&mut |query| pipelines.push(query.pipeline.clone()));
                    pipelines
                }
            };
            let found = |pipeline| -> usize {
                let found = search(&corpus, pipeline);
                found
                    .iter()
                    .flat_map(|found| &found.sets)
                    .map(|set| set.spans.len())
                    .sum()
            };
            telling += usize::from(pipelines.iter().map(found).any(|n| 0 < n && n < all));
        }
    }
    (asked, sound, telling)
}

#[test]
fn most_queries_are_sound_and_many_find_something_and_not_all() {
    for metrics in [false, true] {
        let (asked, sound, telling) = share(metrics);
        assert!(sound * 10 >= asked * 8, "{sound} of {asked} are sound");
        assert!(
            telling * 10 >= sound * 3,
            "{telling} of {sound} tell something"
        );
    }
}

#[test]
fn a_seed_says_everything() {
    let run = || {
        let mut rng = Rng::new(7);
        let requests = requests(&mut rng, Size::Medium);
        let query = Queries::new(&Corpus::new(&requests), rng).metrics();
        (requests, query)
    };
    assert!(run() == run());
}
