//! Clusters: there is one, this one.

use serde::Serialize;
use takt_kit::{Code, Reject};
use takt_wire::methods::AdminMethod;
use takt_wire::takt::admin::v1 as wire;

use super::answer::{Answer, List};
use super::ask::{Ask, Refused, Result};
use super::json::Standing;

#[derive(Debug, Serialize)]
struct Cluster<'a> {
    name: &'a str,
    display_name: &'a str,
    kind: &'static str,
    version: &'static str,
    /// Active while somebody leads.
    status: Standing,
    /// The UUID of the control log; not there while this node belongs to none.
    #[serde(skip_serializing_if = "String::is_empty")]
    uuid: String,
}

pub(super) async fn list(ask: &Ask<'_>) -> Result<Answer> {
    Ok(Answer::many(&List {
        items: vec![this(ask).await?],
        kind: "cluster",
        next_page_token: String::new(),
    })?)
}

pub(super) async fn get(ask: &Ask<'_>) -> Result<Answer> {
    let name = ask.name().await?;
    let this = this(ask).await?;
    if name != this.name {
        let text = format!("there is one cluster here, `{}`", this.name);
        let unknown = Reject::new(Code::NotFound, "CLUSTER_UNKNOWN", text);
        return Err(Refused::Called(unknown.status()));
    }
    Ok(Answer::many(&this)?)
}

async fn this<'a>(ask: &Ask<'a>) -> Result<Cluster<'a>> {
    let method = AdminMethod::ClusterGetCluster;
    let request = wire::GetClusterRequest {};
    let got: wire::GetClusterResponse = ask.call(method, &request).await?;
    let cluster = got.cluster.unwrap_or_default();
    Ok(Cluster {
        name: ask.cluster(),
        display_name: ask.cluster(),
        kind: "takt",
        version: env!("CARGO_PKG_VERSION"),
        status: match cluster.leader {
            Some(_) => Standing::Active,
            None => Standing::Inactive,
        },
        uuid: cluster.cluster,
    })
}
