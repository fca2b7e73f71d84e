//! `takt ctl rules`: rule files in Prometheus' shape, checked here before they are sent.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Subcommand;
use serde::{Deserialize, Serialize};
use takt_model::RuleGroups;
use takt_model::rules::{Purpose, Rule};
use takt_traceql::{Body, MetricsExpr, SecondStage};
use takt_wire::takt::admin::v1 as wire;
use takt_wire::takt::admin::v1::overrides_service_client::OverridesServiceClient;

use super::call::Client;

/// The override that carries them.
const FIELD: &str = "rules.groups";

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Say everything that is wrong with a rule file, without a server.
    Check { file: PathBuf },
    /// Check a rule file and make its rules those of a tenant, in place of all it had.
    Set {
        #[command(flatten)]
        layer: Layer,
        /// A rule file in Prometheus' shape.
        #[arg(long, short)]
        file: PathBuf,
        /// Only if the layer still has this version (as `get` shows it).
        #[arg(long)]
        if_match: Option<u64>,
    },
    /// Print the rules of a tenant as a rule file.
    Get {
        #[command(flatten)]
        layer: Layer,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Layer {
    #[arg(required_unless_present = "defaults", conflicts_with = "defaults")]
    tenant: Option<String>,
    /// The layer every tenant inherits from.
    #[arg(long)]
    defaults: bool,
}

/// What stands in a rule file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    groups: RuleGroups,
}

impl Layer {
    fn scope(self) -> wire::Scope {
        use wire::scope::Scope;
        let scope = self.tenant.map_or(Scope::Defaults(true), Scope::Tenant);
        wire::Scope { scope: Some(scope) }
    }
}

impl Command {
    pub(super) async fn run(self, client: Client) -> Result<String> {
        let mut service = OverridesServiceClient::new(client.channel());
        match self {
            Self::Check { file } => Ok(read(&file)?.1),
            Self::Set {
                layer,
                file,
                if_match,
            } => {
                let (groups, mut said) = read(&file)?;
                let request = wire::ChangeOverridesRequest {
                    change: Some(wire::Change {
                        if_match,
                        ..wire::Change::default()
                    }),
                    scope: Some(layer.scope()),
                    set: BTreeMap::from([(FIELD.to_owned(), groups.to_string())]),
                    clear: Vec::new(),
                };
                let answer = service
                    .change_overrides(client.request(request))
                    .await?
                    .into_inner();
                said.push_str(&format!(
                    "version {}\n",
                    answer.overrides.as_ref().map_or(0, |layer| layer.version)
                ));
                Ok(said)
            }
            Self::Get { layer } => {
                let scope = Some(layer.scope());
                let request = wire::GetOverridesRequest { scope };
                show(
                    &service
                        .get_overrides(client.request(request))
                        .await?
                        .into_inner(),
                )
            }
        }
    }
}

/// The rules of a file, and what there is to say about them.
fn read(file: &Path) -> Result<(RuleGroups, String)> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("cannot read the rule file `{}`", file.display()))?;
    check(&text)
}

fn check(text: &str) -> Result<(RuleGroups, String)> {
    let RuleFile { groups } = serde_saphyr::from_str(text)?;
    // The limit on the whole text is one of the server's; say it before anything is sent.
    let groups: RuleGroups = groups.to_string().parse()?;
    let mut wrong = String::new();
    let mut said = String::new();
    let mut count = 0;
    for group in groups.iter() {
        for (rule, number) in group.rules.iter().zip(1..) {
            count += 1;
            let place = format!("group `{}`, rule {number} (`{}`)", group.name, rule.name());
            match compile(rule) {
                Err(problem) => writeln!(wrong, "{place}: {problem}")?,
                Ok(warnings) => {
                    for warning in warnings {
                        writeln!(said, "{place}: warning: {warning}")?;
                    }
                }
            }
        }
    }
    if !wrong.is_empty() {
        bail!("{}", wrong.trim_end());
    }
    writeln!(
        said,
        "{count} rules in {} groups are in order",
        groups.len()
    )?;
    Ok((groups, said))
}

/// What is legal in a rule and may yet be meant otherwise; or why its query cannot be asked.
fn compile(rule: &Rule) -> Result<Vec<String>, String> {
    let query = takt_traceql::parse(&rule.expr).map_err(|error| error.explain(&rule.expr))?;
    let Body::Metrics(metrics) = &query.body else {
        return Err("this query finds traces; a rule needs a metrics query, such as `{ status = error } | rate() > 1`".to_owned());
    };
    let mut warnings = takt_traceql::warnings(&rule.expr);
    let compares = matches!(
        metrics,
        MetricsExpr::Then {
            stage: SecondStage::Compare { .. },
            ..
        }
    );
    if matches!(rule.purpose, Purpose::Alert(_)) && !compares {
        warnings.push("without a comparison at the end, every series is an alert".to_owned());
    }
    Ok(warnings)
}

fn show(answer: &wire::GetOverridesResponse) -> Result<String> {
    let field = answer.effective.iter().find(|field| field.name == FIELD);
    let Some(field) = field else {
        bail!("the server knows no rules: it is older than this program");
    };
    let groups: RuleGroups = field.value.parse()?;
    let yaml = serde_saphyr::to_string(&RuleFile { groups })?;
    let from = match field.source() {
        wire::OverrideSource::Unspecified => "unknown",
        wire::OverrideSource::BuiltIn => "configuration",
        wire::OverrideSource::Defaults => "defaults",
        wire::OverrideSource::Tenant => "tenant",
        wire::OverrideSource::UserConfigurable => "the tenant itself",
    };
    let mut text = format!(
        "# from {from}, version {}\n{yaml}",
        answer.overrides.as_ref().map_or(0, |layer| layer.version)
    );
    if let Some(why) = answer.ignored.get(FIELD) {
        writeln!(text, "# rules are set that have no effect: {why}")?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "
groups:
  - name: checkout
    interval: 1m
    rules:
      - alert: Slow
        expr: '{ name = \"pay\" } | quantile_over_time(duration, .99) > 2s'
        for: 5m
        annotations: { summary: '{{ $labels.resource.service.name }}' }
      - record: errors:rate
        expr: '{ status = error } | rate() by (resource.service.name)'
";

    #[test]
    fn a_rule_file_is_in_order_or_says_where_it_is_not() {
        let (groups, said) = check(&FILE.replace("> 2s", "> 2")).unwrap();
        assert_eq!(groups[0].rules.len(), 2);
        assert_eq!(said, "2 rules in 1 groups are in order\n");
        let (_, said) = check(&FILE.replace("> 2s", "")).unwrap();
        assert!(
            said.starts_with("group `checkout`, rule 1 (`Slow`): warning: without a comparison")
        );
    }

    #[test]
    fn every_wrong_query_is_shown_with_its_place() {
        let file = FILE
            .replace("> 2s", "> 2")
            .replace("duration,", "duratoin,");
        let file = file.replace(" | rate() by (resource.service.name)", "");
        let error = check(&file).unwrap_err().to_string();
        expect_test::expect![[r#"
            group `checkout`, rule 1 (`Slow`): parse error at line 1, col 39: unknown identifier: duratoin
              { name = "pay" } | quantile_over_time(duratoin, .99) > 2
                                                    ^
            did you mean `duration`?
            group `checkout`, rule 2 (`errors:rate`): this query finds traces; a rule needs a metrics query, such as `{ status = error } | rate() > 1`"#]].assert_eq(&error);
    }

    #[test]
    fn a_file_of_another_shape_is_refused_with_its_line() {
        let error = check(&FILE.replace("for: 5m", "unless: 5m")).unwrap_err();
        expect_test::expect![[r#"
            error: line 8 column 9: unknown field `unless`, expected one of alert, record, expr, for, keep_firing_for, labels, annotations
              --> <input>:8:9
               |
             6 |       - alert: Slow
             7 |         expr: '{ name = "pay" } | quantile_over_time(duration, .99) > 2s'
             8 |         unless: 5m
               |         ^ unknown field `unless`, expected one of alert, record, expr, for, keep_firing_for, labels, annotations
             9 |         annotations: { summary: '{{ $labels.resource.service.name }}' }
            10 |       - record: errors:rate
               |"#]].assert_eq(&error.to_string());
        let error = check(&FILE.replace("for: 5m", "for: soon")).unwrap_err();
        expect_test::expect![[r#"
            error: line 3 column 3: group `checkout`, rule 1 (`Slow`): `for`: `soon` is not a duration in whole milliseconds, such as `30s` or `1h30m`
             --> <input>:3:3
              |
            1 |
            2 | groups:
            3 |   - name: checkout
              |   ^ group `checkout`, rule 1 (`Slow`): `for`: `soon` is not a duration in whole milliseconds, such as `30s` or `1h30m`
            4 |     interval: 1m
            5 |     rules:
              |"#]].assert_eq(&error.to_string());
    }

    #[test]
    fn rules_are_shown_as_a_file_that_reads_back() {
        let (groups, _) = check(&FILE.replace("> 2s", "> 2")).unwrap();
        let field = wire::Override {
            name: FIELD.into(),
            value: groups.to_string(),
            source: wire::OverrideSource::Tenant.into(),
            unit: String::new(),
        };
        let answer = wire::GetOverridesResponse {
            effective: vec![field],
            overrides: Some(wire::Overrides {
                version: 7,
                ..wire::Overrides::default()
            }),
            ..wire::GetOverridesResponse::default()
        };
        let text = show(&answer).unwrap();
        assert!(
            text.starts_with("# from tenant, version 7\ngroups:\n"),
            "{text}"
        );
        assert_eq!(check(&text).unwrap().0, groups);
    }
}
