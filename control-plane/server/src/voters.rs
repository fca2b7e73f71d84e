//! Who may speak as a voter on the port between nodes.

use std::sync::Arc;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use takt_kit::{Code, Reject};
use tonic::transport::server::{TcpConnectInfo, TlsConnectInfo};

use crate::auth::certificate_names;

/// What data planes call; everything else on that port is said between voters.
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

    /// The layer around all that is served on the port.
    pub(crate) async fn pass(self, request: Request, next: Next) -> Response {
        if request.uri().path().starts_with(FOLLOWING) || self.admit(&request) {
            return next.run(request).await;
        }
        tracing::warn!(
            method = request.uri().path(),
            "refused: the certificate is none of `control.tls.voters`"
        );
        let text = "your certificate is not that of a voter; on the voters, add one of its names to `control.tls.voters`";
        Reject::new(Code::Denied, "NOT_A_VOTER", text)
            .status()
            .into_http()
    }

    fn admit(&self, request: &Request) -> bool {
        let Self(Some(voters)) = self else {
            return true;
        };
        let connection = request.extensions().get::<TlsConnectInfo<TcpConnectInfo>>();
        let shown = connection.and_then(TlsConnectInfo::peer_certs);
        // The first one is the peer's own; the others lead to the authority.
        let own = shown.as_deref().and_then(|chain| chain.first());
        let names = own.map(|own| certificate_names(own)).unwrap_or_default();
        names.iter().any(|name| voters.contains(name))
    }
}
