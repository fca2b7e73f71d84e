//! Who may speak as a voter on the port between nodes.

use std::sync::Arc;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use takt_kit::{Code, Reject};
use takt_wire::methods::AdminMethod;
use tonic::transport::server::{TcpConnectInfo, TlsConnectInfo};

use crate::auth::{Caller, Principal, certificate_names, is_report};
use crate::forward::is_passed_on;
use crate::request::Actor;

/// What data planes call beside what they report; everything else on that port is said between voters.
const FOLLOWING: &str = "/takt.control.v1.ControlService/";

/// The certificates of voters, by their names: URIs, DNS names or `CN=` and a common name. Without names, whoever
/// was let in to the port is believed.
#[derive(Debug, Clone, Default)]
pub struct Voters(Option<Arc<[String]>>);

impl Voters {
    #[must_use]
    pub fn named(names: &[String]) -> Self {
        Self((!names.is_empty()).then(|| names.into()))
    }

    /// The layer around all that is served on the port. What nodes report they report in the name of their certificate.
    pub(crate) async fn pass(self, mut request: Request, next: Next) -> Response {
        let path = request.uri().path();
        let method = AdminMethod::of_path(path);
        let reports = method.is_some_and(is_report) && !is_passed_on(request.headers());
        if !reports && !path.starts_with(FOLLOWING) && !self.admit(&request) {
            tracing::warn!(
                method = path,
                "refused: the certificate is none of `control.tls.voters`"
            );
            let text = "your certificate is not that of a voter; on the voters, add one of its names to `control.tls.voters`";
            let reject = Reject::new(Code::Denied, "NOT_A_VOTER", text);
            return reject.status().into_http();
        }
        if reports {
            let caller = caller(&request);
            request.extensions_mut().insert(Actor(caller.to_string()));
        }
        next.run(request).await
    }

    /// The certificate is read only where it matters: what voters say to each other comes by here.
    fn admit(&self, request: &Request) -> bool {
        let Self(Some(voters)) = self else {
            return true;
        };
        names(request).iter().any(|name| voters.contains(name))
    }
}

type Encrypted = TlsConnectInfo<TcpConnectInfo>;

/// What the certificate of the connection says, if there is one.
fn names(request: &Request) -> Vec<String> {
    let connection = request.extensions().get::<Encrypted>();
    let shown = connection.and_then(TlsConnectInfo::peer_certs);
    // The first one is the peer's own; the others lead to the authority.
    let own = shown.as_deref().and_then(|chain| chain.first());
    own.map(|own| certificate_names(own)).unwrap_or_default()
}

fn caller(request: &Request) -> Caller {
    let extensions = request.extensions();
    let connection = extensions.get::<Encrypted>().map(TlsConnectInfo::get_ref);
    let connection = connection.or_else(|| extensions.get::<TcpConnectInfo>());
    let address = connection.and_then(TcpConnectInfo::remote_addr);
    let name = names(request).into_iter().next();
    Caller {
        principal: name.map_or(Principal::Anonymous, Principal::Certificate),
        address: address.map(|address| address.ip().to_canonical()),
        grants: Arc::default(),
    }
}
