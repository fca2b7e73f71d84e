//! `takt ctl tenant`.

use anyhow::Result;
use chrono::DateTime;
use clap::Subcommand;
use takt_wire::takt::admin::v1 as wire;
use takt_wire::takt::admin::v1::tenant_service_client::TenantServiceClient;
use tonic::transport::Channel;

use super::table::table;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Let a tenant in.
    Create {
        tenant: String,
        /// A name for people.
        #[arg(long, default_value = "")]
        display_name: String,
    },
    /// Show every tenant.
    List,
    /// Show one tenant.
    Get { tenant: String },
    /// Stop a tenant from writing; it may still read.
    Suspend {
        tenant: String,
        /// Why, for whoever looks it up later.
        #[arg(long, default_value = "")]
        reason: String,
        #[command(flatten)]
        expect: Expect,
    },
    /// Let a suspended tenant write again.
    Resume {
        tenant: String,
        #[command(flatten)]
        expect: Expect,
    },
    /// Remove a tenant for ever, with its overrides.
    Delete {
        tenant: String,
        #[command(flatten)]
        expect: Expect,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Expect {
    /// Only if the tenant still has this version (as `get` shows it).
    #[arg(long)]
    if_match: Option<u64>,
}

impl Command {
    pub(super) async fn run(self, channel: Channel) -> Result<String> {
        let mut client = TenantServiceClient::new(channel);
        let command_id = String::new();
        let tenant = match self {
            Self::List => return list(client).await,
            Self::Create {
                tenant,
                display_name,
            } => {
                let request = wire::CreateTenantRequest {
                    command_id,
                    tenant,
                    display_name,
                };
                client.create_tenant(request).await?.into_inner().tenant
            }
            Self::Get { tenant } => {
                let request = wire::GetTenantRequest { tenant };
                client.get_tenant(request).await?.into_inner().tenant
            }
            Self::Suspend {
                tenant,
                reason,
                expect,
            } => {
                let request = wire::SuspendTenantRequest {
                    command_id,
                    tenant,
                    reason,
                    if_match: expect.if_match,
                };
                client.suspend_tenant(request).await?.into_inner().tenant
            }
            Self::Resume { tenant, expect } => {
                let request = wire::ResumeTenantRequest {
                    command_id,
                    tenant,
                    if_match: expect.if_match,
                };
                client.resume_tenant(request).await?.into_inner().tenant
            }
            Self::Delete { tenant, expect } => {
                let request = wire::DeleteTenantRequest {
                    command_id,
                    tenant,
                    if_match: expect.if_match,
                };
                client.delete_tenant(request).await?.into_inner().tenant
            }
        };
        Ok(show(&tenant.into_iter().collect::<Vec<_>>()))
    }
}

async fn list(mut client: TenantServiceClient<Channel>) -> Result<String> {
    let mut tenants = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = wire::ListTenantsRequest {
            page_size: 0,
            page_token,
        };
        let page = client.list_tenants(request).await?.into_inner();
        tenants.extend(page.tenants);
        if page.next_page_token.is_empty() {
            return Ok(show(&tenants));
        }
        page_token = page.next_page_token;
    }
}

fn show(tenants: &[wire::Tenant]) -> String {
    let heading = ["TENANT", "STATE", "VERSION", "CREATED", "NAME", "REASON"].map(str::to_owned);
    let rows = tenants.iter().map(|tenant| {
        [
            tenant.tenant.clone(),
            state(tenant.state()).to_owned(),
            tenant.version.to_string(),
            moment(tenant.created_at),
            tenant.display_name.clone(),
            tenant.suspend_reason.clone(),
        ]
    });
    table(&std::iter::once(heading).chain(rows).collect::<Vec<_>>())
}

fn state(state: wire::TenantState) -> &'static str {
    match state {
        wire::TenantState::Unspecified => "unknown",
        wire::TenantState::Active => "active",
        wire::TenantState::Suspended => "suspended",
        wire::TenantState::Deleting => "deleting",
    }
}

fn moment(nanos: u64) -> String {
    let seconds = i64::try_from(nanos / 1_000_000_000).unwrap_or(i64::MAX);
    DateTime::from_timestamp(seconds, 0)
        .map(|moment| moment.format("%Y-%m-%dT%H:%M:%SZ").to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenants_are_shown_as_a_table() {
        let tenant = wire::Tenant {
            tenant: "team-1".into(),
            display_name: "Team One".into(),
            state: wire::TenantState::Suspended.into(),
            suspend_reason: "unpaid".into(),
            created_at: 1_700_000_000_000_000_000,
            version: 12,
        };
        expect_test::expect![[r"
            TENANT  STATE      VERSION  CREATED               NAME      REASON
            team-1  suspended  12       2023-11-14T22:13:20Z  Team One  unpaid
        "]]
        .assert_eq(&show(&[tenant]));
    }
}
