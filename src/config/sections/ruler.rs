//! `ruler`: evaluates the rules of tenants. The rules themselves are decided while running (`rules.groups` of the overrides).

use http::HeaderValue;
use reqwest::Url;
use takt_model::rules::{MAX_LIMIT, MIN_INTERVAL};
use takt_rules::{Endpoint, Settings};

use super::{Multitenancy, Server};
use crate::config::Secret;
use crate::config::fields::Fields;

/// `None` when rules are not evaluated here.
pub(super) fn read(
    fields: &mut Fields<'_, '_, '_>,
    server: &Server,
    multitenancy: &Multitenancy,
) -> Option<Settings> {
    let doc = "Alerts and recorded series from traces: TraceQL metrics queries asked on a schedule. Which ones is decided for each tenant while running (`takt ctl rules`).";
    fields.section("ruler", doc, |fields| {
        let enabled: bool = fields.value("enabled", "false", "Whether this process evaluates rules; of several processes that share a store, one should.");
        let settings = Settings {
            multitenancy: multitenancy.enabled,
            evaluation_interval: fields.value("evaluation_interval", "1m", "From one evaluation of a group to the next, if the group does not say `interval`; moments are whole multiples of it."),
            query_offset: fields.value("query_offset", "10s", "How long a moment must be past before it is asked about, if the group does not say `query_offset`: spans come some seconds after they end."),
            evaluation_timeout: fields.value("evaluation_timeout", "30s", "How long one query may take; then the rule has failed and its alerts stand as they stood."),
            concurrency: fields.value("concurrency", "4", "Groups that are evaluated at once; the others wait."),
            resend_delay: fields.value("resend_delay", "1m", "How often an Alertmanager is told that an alert still fires; it forgets an alert it does not hear of for four times as long."),
            external_url: fields.value_or("external_url", at(server), "`http://` and `server.http_listen_address`", "Where people reach this server; alerts carry a link to their query."),
            alertmanager: endpoint(fields, "alertmanager_url", "alertmanager_authorization", "alerts are shown and not sent", "An Alertmanager, or what speaks its API; `/api/v2/alerts` is added. The tenant is in `X-Scope-OrgID`."),
            remote_write: endpoint(fields, "remote_write_url", "remote_write_authorization", "rules that record fail and say so", "Where recorded series are written by Prometheus' remote write, such as `http://prometheus:9090/api/v1/write`. The tenant is in `X-Scope-OrgID`."),
            request_timeout: fields.value("request_timeout", "10s", "How long one request to these endpoints may take."),
            retry_for: fields.value("retry_for", "1m", "How long a request that failed is tried again; then what it carried is counted as lost."),
            queue_capacity: fields.value("queue_capacity", "20000", "Alerts, and points of recorded series, that may wait to be delivered; further points are lost, further alerts come with the next evaluation."),
        };
        if settings.evaluation_interval < MIN_INTERVAL {
            fields.refuse("evaluation_interval", "expected at least `1s`");
        }
        if settings.concurrency == 0 {
            fields.refuse("concurrency", "expected at least 1");
        }
        if settings.queue_capacity < MAX_LIMIT {
            fields.refuse("queue_capacity", format!("expected at least {MAX_LIMIT}, the most series a rule may have"));
        }
        enabled.then_some(settings)
    })
}

fn at(server: &Server) -> Url {
    let url = format!("http://{}", server.http_listen_address);
    url.parse()
        .expect("a socket address is the authority of a URL")
}

fn endpoint(
    fields: &mut Fields<'_, '_, '_>,
    url: &'static str,
    authorization: &'static str,
    absent: &'static str,
    doc: &'static str,
) -> Option<Endpoint> {
    let url = fields.optional(url, absent, doc);
    let doc = "The whole `Authorization` header of these requests, such as `Bearer ${TOKEN}`.";
    let secret: Option<Secret> = fields.optional(authorization, "none", doc);
    let header = secret.and_then(|secret| {
        let header = HeaderValue::from_str(secret.reveal()).ok();
        if header.is_none() {
            fields.refuse(authorization, "is not a legal value of a header");
        }
        header
    });
    let authorization = header.map(|mut header| {
        header.set_sensitive(true);
        header
    });
    Some(Endpoint {
        url: url?,
        authorization,
    })
}
