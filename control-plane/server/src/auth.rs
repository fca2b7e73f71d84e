//! Who calls, and may they: in front of every method of the control plane.
//!
//! [`Guard`] is one layer around all services. It finds out who calls ([`Caller`]), what the method
//! needs (`rules.rs`, which a new method must be entered in or the build fails), whose data the request
//! is about, and asks the [`authoriser`] once for all of it. A handler cannot forget to ask, because it
//! is not asked to; a method without a rule is not let through.
//!
//! What is refused is counted, logged and kept for a while ([`refusals`]); what is done stands in the
//! control log under the caller's name.

mod authoriser;
mod bootstrap;
mod caller;
mod certificate;
mod credentials;
mod guard;
mod identify;
mod oidc;
mod refusals;
mod rules;
mod secret;
mod settings;
mod uses;
mod whose;

pub use authoriser::Unanswered;
pub use bootstrap::{AdminToken, BootstrapError};
pub use caller::{Caller, Domain, Grant, Principal, Role};
pub use guard::{Guard, GuardError, MAX_REQUEST_BYTES};
pub use oidc::{Fetch, FetchError, HttpKeys};
pub use rules::{Kind, Verb};
pub use secret::{NoRandomness, Secret};
pub use settings::{CertificateRule, Peer, Settings};

pub(crate) use caller::split_actor;
pub(crate) use certificate::names as certificate_names;
pub(crate) use guard::collect;
pub(crate) use refusals::{Refusal, Refusals};
pub(crate) use rules::is_report;
