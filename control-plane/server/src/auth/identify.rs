//! From what is shown to who it is.

use std::net::IpAddr;
use std::sync::Arc;

use http::HeaderMap;
use takt_domain::access::{self, Access, Day, Name, PolicySpec};
use takt_kit::Clock;
use takt_model::UnixNano;

use super::Role;
use super::caller::{Caller, Grant, Principal};
use super::certificate;
use super::credentials::Credentials;
use super::oidc::{self, Keys};
use super::secret::Secret;
use super::settings::{Peer, Settings};
use super::uses::Uses;

/// Knows everybody there is to know.
#[derive(Debug)]
pub(super) struct Identify {
    pub(super) settings: Settings,
    pub(super) keys: Keys,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) uses: Uses,
}

/// Nobody we know. The reason is for the record, not for the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unknown {
    pub(super) reason: &'static str,
    /// Who it seems to have been.
    pub(super) actor: String,
}

impl Identify {
    pub(super) async fn caller(
        &self,
        access: &Access,
        headers: &HeaderMap,
        peer: Option<&Peer>,
    ) -> Result<Caller, Unknown> {
        let address = peer.map(|peer| peer.address);
        let unknown = |reason, who: Option<String>| Unknown {
            reason,
            actor: seems(who, address),
        };
        match Credentials::read(headers) {
            Err(_) => Err(unknown("CREDENTIALS_MALFORMED", None)),
            Ok(Credentials::Nothing) => self
                .by_certificate(peer)
                .or_else(|| self.anonymous())
                .map(|(principal, role)| caller(principal, address, [Grant::everywhere(role)]))
                .ok_or_else(|| unknown("CREDENTIALS_MISSING", None)),
            Ok(Credentials::Secret { secret, tenants }) => {
                let found = self.by_secret(access, &secret, &tenants, address);
                found.map_err(|(reason, who)| {
                    unknown(reason, who.map(|name| format!("token:{name}")))
                })
            }
            Ok(Credentials::Jwt(token)) => {
                let vouched = oidc::verify(access, &self.keys, &self.clock, &token).await;
                let vouched = vouched.map_err(|refused| unknown(refused.reason(), None))?;
                Ok(self.vouched(access, vouched, address))
            }
        }
    }

    fn anonymous(&self) -> Option<(Principal, Role)> {
        Some((Principal::Anonymous, self.settings.anonymous?))
    }

    fn by_certificate(&self, peer: Option<&Peer>) -> Option<(Principal, Role)> {
        let names = certificate::names(peer?.certificate.as_deref()?);
        names.into_iter().find_map(|name| {
            let rule = self
                .settings
                .certificates
                .iter()
                .find(|rule| rule.fits(&name))?;
            Some((Principal::Certificate(name), rule.role))
        })
    }

    fn by_secret(
        &self,
        access: &Access,
        secret: &Secret,
        tenants: &[takt_model::TenantId],
        address: Option<IpAddr>,
    ) -> Result<Caller, (&'static str, Option<Name>)> {
        let admin = self.settings.admin.as_ref();
        if admin.is_some_and(|admin| admin.is(secret)) {
            let all = [Grant::everywhere(Role::Admin)];
            return Ok(caller(Principal::Admin, address, all));
        }
        let now = self.clock.now();
        let found = access::authenticate(access, &secret.hash(), now);
        let found = found.map_err(|refused| (refused.reason(), None))?;
        let spec = &found.policy.spec;
        let named = || Some(found.token.clone());
        if !reachable(spec, address) {
            return Err(("ADDRESS_REFUSED", named()));
        }
        if !tenants.iter().all(|tenant| spec.reaches(tenant)) {
            return Err(("TENANT_OUT_OF_REALM", named()));
        }
        if let Some(token) = access.tokens().get(found.token) {
            self.uses.note(found.token, token, Day::of(now));
        }
        let principal = Principal::Token(found.token.clone());
        Ok(caller(principal, address, Grant::of_policy(spec)))
    }

    /// Policies that are not there, not in force or not for this address give nothing.
    fn vouched(&self, access: &Access, vouched: oidc::Vouched, address: Option<IpAddr>) -> Caller {
        let now = self.clock.now();
        let given = |name: &Name| {
            let spec = access.policies().get(name).map(|policy| &policy.spec)?;
            holds(spec, now, address).then_some(spec)
        };
        let policies = vouched.policies.iter().filter_map(given);
        let grants = policies.flat_map(|spec| Grant::of_policy(spec));
        let principal = Principal::Oidc {
            issuer: vouched.issuer.clone(),
            subject: vouched.subject.clone(),
        };
        caller(principal, address, grants)
    }
}

fn holds(spec: &PolicySpec, now: UnixNano, address: Option<IpAddr>) -> bool {
    spec.in_force(now) && reachable(spec, address)
}

/// Who is bound to networks and comes from nowhere comes from none of them.
fn reachable(spec: &PolicySpec, address: Option<IpAddr>) -> bool {
    let inside = |address| {
        spec.networks
            .iter()
            .any(|network| network.contains(address))
    };
    spec.networks.is_empty() || address.is_some_and(inside)
}

fn caller(
    principal: Principal,
    address: Option<IpAddr>,
    grants: impl IntoIterator<Item = Grant>,
) -> Caller {
    Caller {
        principal,
        address,
        grants: grants.into_iter().collect(),
    }
}

fn seems(who: Option<String>, address: Option<IpAddr>) -> String {
    let who = who.unwrap_or_else(|| "unknown".to_owned());
    match address {
        Some(address) => format!("{who}@{address}"),
        None => who,
    }
}
