//! `takt ctl overrides`.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use clap::Subcommand;
use takt_wire::takt::admin::v1 as wire;
use takt_wire::takt::admin::v1::overrides_service_client::OverridesServiceClient;
use tonic::transport::Channel;

use super::table::table;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show what holds, field by field, and where it comes from.
    #[command(override_usage = "takt ctl overrides get <TENANT | --defaults>")]
    Get {
        #[arg(required_unless_present = "defaults", conflicts_with = "defaults")]
        tenant: Option<String>,
        /// The layer every tenant inherits from.
        #[arg(long)]
        defaults: bool,
    },
    /// Set fields.
    #[command(override_usage = "takt ctl overrides set <TENANT | --defaults> <NAME=VALUE>...")]
    Set {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        expect: Expect,
    },
    /// Let fields inherit again.
    #[command(override_usage = "takt ctl overrides unset <TENANT | --defaults> <NAME>...")]
    Unset {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        expect: Expect,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Target {
    /// The layer every tenant inherits from, instead of one tenant.
    #[arg(long)]
    defaults: bool,
    /// The tenant (without `--defaults`), then the fields.
    #[arg(required = true)]
    words: Vec<String>,
}

#[derive(Debug, clap::Args)]
pub(super) struct Expect {
    /// Only if the layer still has this version (as `get` shows it).
    #[arg(long)]
    pub(super) if_match: Option<u64>,
}

impl Target {
    /// Which layer, and the words that name fields.
    fn split(self) -> Result<(wire::Scope, Vec<String>)> {
        let mut words = self.words.into_iter();
        let scope = if self.defaults {
            defaults()
        } else {
            match words.next() {
                Some(word) if word.contains('=') => {
                    bail!("name a tenant before `{word}`, or say --defaults")
                }
                Some(tenant) => one(tenant),
                None => bail!("name a tenant, or say --defaults"),
            }
        };
        let fields: Vec<String> = words.collect();
        if fields.is_empty() {
            bail!("name at least one field");
        }
        Ok((scope, fields))
    }
}

impl Command {
    pub(super) async fn run(self, channel: Channel) -> Result<String> {
        let mut client = OverridesServiceClient::new(channel);
        let (scope, set, clear, expect) = match self {
            Self::Get { tenant, .. } => {
                let scope = Some(tenant.map_or_else(defaults, one));
                let request = wire::GetOverridesRequest { scope };
                let answer = client.get_overrides(request).await?;
                return Ok(show(&answer.into_inner()));
            }
            Self::Set { target, expect } => {
                let (scope, fields) = target.split()?;
                (scope, pairs(&fields)?, Vec::new(), expect)
            }
            Self::Unset { target, expect } => {
                let (scope, fields) = target.split()?;
                (scope, BTreeMap::new(), fields, expect)
            }
        };
        let request = wire::ChangeOverridesRequest {
            command_id: String::new(),
            scope: Some(scope),
            set,
            clear,
            if_match: expect.if_match,
        };
        let answer = client.change_overrides(request).await?.into_inner();
        Ok(show_own(&answer))
    }
}

pub(super) fn defaults() -> wire::Scope {
    let scope = Some(wire::scope::Scope::Defaults(true));
    wire::Scope { scope }
}

pub(super) fn one(tenant: String) -> wire::Scope {
    let scope = Some(wire::scope::Scope::Tenant(tenant));
    wire::Scope { scope }
}

fn pairs(fields: &[String]) -> Result<BTreeMap<String, String>> {
    let mut set = BTreeMap::new();
    for field in fields {
        let Some((name, value)) = field.split_once('=') else {
            bail!("`{field}` is not of the form NAME=VALUE");
        };
        if set.insert(name.to_owned(), value.to_owned()).is_some() {
            bail!("`{name}` is set twice");
        }
    }
    Ok(set)
}

fn show(answer: &wire::GetOverridesResponse) -> String {
    let heading = ["NAME", "VALUE", "FROM"].map(str::to_owned);
    let rows = answer.effective.iter().map(|field| {
        [
            field.name.clone(),
            field.value.clone(),
            source(field.source()).to_owned(),
        ]
    });
    let mut text = table(&std::iter::once(heading).chain(rows).collect::<Vec<_>>());
    for (name, why) in &answer.ignored {
        text.push_str(&format!("`{name}` is set but has no effect: {why}\n"));
    }
    text.push_str(&format!("version {}\n", answer.version));
    text
}

fn show_own(answer: &wire::ChangeOverridesResponse) -> String {
    let heading = ["NAME", "VALUE"].map(str::to_owned);
    let rows = answer.own.iter();
    let rows = rows.map(|(name, value)| [name.clone(), value.clone()]);
    let mut text = table(&std::iter::once(heading).chain(rows).collect::<Vec<_>>());
    text.push_str(&format!("version {}\n", answer.version));
    text
}

pub(super) fn source(source: wire::OverrideSource) -> &'static str {
    match source {
        wire::OverrideSource::Unspecified => "unknown",
        wire::OverrideSource::BuiltIn => "configuration",
        wire::OverrideSource::Defaults => "defaults",
        wire::OverrideSource::Tenant => "tenant",
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(subcommand)]
        command: Command,
    }

    fn target(words: &[&str]) -> Result<(wire::Scope, Vec<String>)> {
        let words = ["overrides", "set"].iter().chain(words);
        match Cli::try_parse_from(words)?.command {
            Command::Set { target, .. } => target.split(),
            other => bail!("{other:?}"),
        }
    }

    #[test]
    fn a_layer_is_a_tenant_or_the_defaults() {
        let fields = vec!["x=1".to_owned(), "y=2".to_owned()];
        let (scope, named) = target(&["a", "x=1", "y=2"]).unwrap();
        assert_eq!((scope, named), (one("a".into()), fields.clone()));
        let (scope, named) = target(&["--defaults", "x=1", "y=2"]).unwrap();
        assert_eq!((scope, named), (defaults(), fields));
        for wrong in [&["x=1"][..], &["a"], &["--defaults"], &[]] {
            assert!(target(wrong).is_err(), "{wrong:?}");
        }
        for wrong in [
            &["overrides", "get"][..],
            &["overrides", "get", "a", "--defaults"],
        ] {
            assert!(Cli::try_parse_from(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn fields_are_pairs_and_set_once() {
        let pairs = |fields: &[&str]| {
            let fields: Vec<String> = fields.iter().map(|&field| field.to_owned()).collect();
            pairs(&fields)
        };
        assert_eq!(pairs(&["x=a=b"]).unwrap()["x"], "a=b");
        assert!(pairs(&["x"]).is_err());
        assert!(pairs(&["x=1", "x=2"]).is_err());
    }

    #[test]
    fn overrides_are_shown_with_their_source() {
        let answer = wire::GetOverridesResponse {
            effective: vec![wire::Override {
                name: "ingestion.rate_limit_bytes".into(),
                value: "1000000".into(),
                source: wire::OverrideSource::Defaults.into(),
                unit: "bytes".into(),
            }],
            version: 7,
            ignored: BTreeMap::from([("x".into(), "nobody knows it".into())]),
            ..wire::GetOverridesResponse::default()
        };
        expect_test::expect![[r"
            NAME                        VALUE    FROM
            ingestion.rate_limit_bytes  1000000  defaults
            `x` is set but has no effect: nobody knows it
            version 7
        "]]
        .assert_eq(&show(&answer));
    }
}
