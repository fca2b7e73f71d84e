//! Alerts and recorded series: TraceQL metrics queries asked on a schedule.
//!
//! Which rules there are is decided in the control plane and comes with the view
//! ([`takt_model::rules`]). What happens to an answer is pure and knows neither a clock nor a
//! network: [`Alerts`] go from pending to firing to resolved, [`Recorded`] series are written and
//! marked stale, a [`Group`] holds the state of its rules. Around it, the [`Ruler`] asks an
//! [`Evaluator`] at aligned moments and puts what came of it into bounded queues, and a courier for
//! each queue brings it to an Alertmanager or writes it by Prometheus' remote write.
//!
//! The state of a rule follows from the spans alone: what a restart forgets is found again by asking
//! about the time before it. `docs/adr/0017-rules.md` tells why, and what is different from Prometheus.

mod alert;
mod deliver;
mod desk;
mod evaluator;
mod group;
mod http;
mod labels;
mod metrics;
mod moment;
mod record;
mod ruler;
mod schedule;
mod settings;

pub use alert::{Alert, Alerts, Notice, Pace, Phase};
pub use evaluator::{EvaluationError, Evaluator, Sample};
pub use group::{Failure, Group, Health, Output, Standing, State, Tick};
pub use http::router;
pub use labels::Labels;
pub use metrics::Metrics;
pub use record::{Point, Recorded, STALE};
pub use ruler::{Board, Key, Parts, Ruler, Shown};
pub use settings::{Endpoint, Settings};
