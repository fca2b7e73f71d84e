//! Access policies. What v3 has no words for (networks, an end, labels, redaction, stamps, deny selectors)
//! is not shown, and stays as it is when a policy is replaced.

use serde::{Deserialize, Deserializer, Serialize};
use takt_kit::{Code, Reject};
use takt_wire::methods::AdminMethod;
use takt_wire::takt::admin::v1 as wire;
use tonic::Status;

use super::answer::Answer;
use super::ask::{Ask, Result};
use super::json::{Standing, same_name, this_cluster, time};

#[derive(Debug, Serialize)]
struct AccessPolicy {
    name: String,
    display_name: String,
    created_at: String,
    status: Standing,
    realms: Vec<Realm>,
    scopes: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Realm {
    tenant: String,
    #[serde(default)]
    cluster: String,
    #[serde(default, deserialize_with = "or_nothing")]
    label_policies: Vec<LabelPolicy>,
}

/// A span is seen if one of these selects it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LabelPolicy {
    selector: String,
}

/// What is said of one. What a client has read it may send back.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    #[serde(default)]
    name: String,
    #[serde(default)]
    display_name: String,
    #[serde(default)]
    status: Standing,
    #[serde(default)]
    realms: Vec<Realm>,
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(default, rename = "created_at")]
    _created_at: Option<String>,
}

pub(super) async fn list(ask: &Ask<'_>) -> Result<Answer> {
    let list = ask.list("accesspolicy", |page_size, page_token| async move {
        let request = wire::ListAccessPoliciesRequest {
            page_size,
            page_token,
            tenant: String::new(),
        };
        let method = AdminMethod::AccessPolicyListAccessPolicies;
        let page: wire::ListAccessPoliciesResponse = ask.call(method, &request).await?;
        let rows = page.access_policies.into_iter();
        let rows = rows.map(|policy| show(ask, policy)).collect();
        Ok((rows, page.next_page_token))
    });
    Ok(Answer::many(&list.await?)?)
}

pub(super) async fn create(ask: &Ask<'_>) -> Result<Answer> {
    let wanted = wanted(ask)?;
    let request = wire::CreateAccessPolicyRequest {
        change: Some(ask.change(None)?),
        name: wanted.name.clone(),
        spec: Some(wanted.spec(wire::AccessPolicySpec::default())?),
    };
    let method = AdminMethod::AccessPolicyCreateAccessPolicy;
    let created: wire::CreateAccessPolicyResponse = ask.call(method, &request).await?;
    shown(ask, created.access_policy)
}

pub(super) async fn get(ask: &Ask<'_>) -> Result<Answer> {
    let name = ask.name().await?;
    shown(ask, Some(read(ask, name).await?))
}

/// Read, replaced in part, and written on condition that it is still what was read.
pub(super) async fn replace(ask: &Ask<'_>) -> Result<Answer> {
    let name = ask.name().await?;
    let precondition = ask.precondition()?;
    let wanted = wanted(ask)?;
    same_name(&name, &wanted.name)?;
    let mut change = ask.change(Some(precondition))?;
    let found = read(ask, name.clone()).await?;
    change.if_match.get_or_insert(found.version);
    let request = wire::UpdateAccessPolicyRequest {
        change: Some(change),
        name,
        spec: Some(wanted.spec(found.spec.unwrap_or_default())?),
    };
    let method = AdminMethod::AccessPolicyUpdateAccessPolicy;
    let updated: wire::UpdateAccessPolicyResponse = ask.call(method, &request).await?;
    shown(ask, updated.access_policy)
}

pub(super) async fn delete(ask: &Ask<'_>) -> Result<Answer> {
    let request = wire::DeleteAccessPolicyRequest {
        name: ask.name().await?,
        change: Some(ask.change(Some(ask.precondition()?))?),
    };
    let method = AdminMethod::AccessPolicyDeleteAccessPolicy;
    let _: wire::DeleteAccessPolicyResponse = ask.call(method, &request).await?;
    Ok(Answer::Gone)
}

async fn read(ask: &Ask<'_>, name: String) -> Result<wire::AccessPolicy> {
    let request = wire::GetAccessPolicyRequest { name };
    let method = AdminMethod::AccessPolicyGetAccessPolicy;
    let got: wire::GetAccessPolicyResponse = ask.call(method, &request).await?;
    Ok(got.access_policy.unwrap_or_default())
}

fn wanted(ask: &Ask<'_>) -> Result<Wanted> {
    let wanted: Wanted = ask.json()?;
    for realm in &wanted.realms {
        this_cluster(ask.cluster(), &realm.cluster)?;
    }
    Ok(wanted)
}

impl Wanted {
    /// What the policy becomes that is `found`.
    fn spec(self, found: wire::AccessPolicySpec) -> Result<wire::AccessPolicySpec> {
        let realms: Vec<wire::Realm> = self.realms.into_iter().map(Realm::meant).collect();
        let seen: Vec<wire::Realm> = found.realms.iter().map(without_deny).collect();
        let realms = if realms == seen {
            found.realms
        } else if seen != found.realms {
            // To drop what is denied would show what must not be seen.
            return Err(denies().into());
        } else {
            realms
        };
        Ok(wire::AccessPolicySpec {
            display_name: self.display_name,
            scopes: self.scopes,
            realms,
            inactive: self.status == Standing::Inactive,
            ..found
        })
    }
}

impl Realm {
    fn meant(self) -> wire::Realm {
        let allow = self.label_policies.into_iter();
        wire::Realm {
            tenant: self.tenant,
            allow: allow.map(|policy| policy.selector).collect(),
            deny: Vec::new(),
        }
    }
}

fn without_deny(realm: &wire::Realm) -> wire::Realm {
    wire::Realm {
        deny: Vec::new(),
        ..realm.clone()
    }
}

fn denies() -> Status {
    let text = "the realms of this policy have deny selectors, for which v3 has no words; change it with `takt ctl access-policy update`";
    Reject::new(Code::Conflict, "DENY_SELECTORS", text)
        .at_field("realms")
        .status()
}

fn shown(ask: &Ask<'_>, policy: Option<wire::AccessPolicy>) -> Result<Answer> {
    let policy = policy.unwrap_or_default();
    let version = policy.version;
    Ok(Answer::one(&show(ask, policy), version)?)
}

fn show(ask: &Ask<'_>, policy: wire::AccessPolicy) -> AccessPolicy {
    let spec = policy.spec.unwrap_or_default();
    let realm = |realm: wire::Realm| {
        let selectors = realm.allow.into_iter();
        Realm {
            tenant: realm.tenant,
            cluster: ask.cluster().to_owned(),
            label_policies: selectors.map(|selector| LabelPolicy { selector }).collect(),
        }
    };
    AccessPolicy {
        name: policy.name,
        display_name: spec.display_name,
        created_at: time(policy.created_at),
        status: if spec.inactive {
            Standing::Inactive
        } else {
            Standing::Active
        },
        realms: spec.realms.into_iter().map(realm).collect(),
        scopes: spec.scopes,
    }
}

/// Programs in Go write `null` for a list of none.
fn or_nothing<'de, D: Deserializer<'de>>(
    from: D,
) -> std::result::Result<Vec<LabelPolicy>, D::Error> {
    Option::deserialize(from).map(Option::unwrap_or_default)
}
