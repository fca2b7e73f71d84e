//! For whom a request asks.

use http::HeaderMap;
use takt_control::View;
use takt_model::TenantId;

use crate::failure::Failure;
use crate::params::Invalid;
use crate::settings::Settings;

/// The header that names the tenant, or several with `|` between.
pub(crate) const HEADER: &str = "x-scope-orgid";

/// The tenants of a request, at least one, sorted and distinct.
pub(crate) fn tenants(
    headers: &HeaderMap,
    settings: &Settings,
    view: &View,
) -> Result<Vec<TenantId>, Failure> {
    if !settings.multitenancy_enabled {
        return Ok(vec![TenantId::single()]);
    }
    let header = headers
        .get(HEADER)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if header.is_empty() {
        return Err(Failure::NoTenant);
    }
    if header.contains('|') && !settings.multi_tenant_queries_enabled {
        return Err(Invalid::rule(
            "multi-tenant queries are disabled: name one tenant in X-Scope-OrgID",
        )
        .into());
    }
    let mut tenants = header
        .split('|')
        .filter(|part| !part.is_empty())
        .map(|part| TenantId::new(part).map_err(|error| Invalid::rule(error.to_string())))
        .collect::<Result<Vec<_>, _>>()?;
    tenants.sort_by(|a, b| a.as_str().cmp(b.as_str()));
    tenants.dedup();
    if tenants.is_empty() {
        return Err(Failure::NoTenant);
    }
    for tenant in &tenants {
        view.admit(tenant)?;
    }
    Ok(tenants)
}

#[cfg(test)]
mod tests {
    use takt_control::UnknownTenants;

    use super::*;

    fn ask(
        header: Option<&'static str>,
        settings: &Settings,
        view: &View,
    ) -> Result<Vec<String>, (u16, String)> {
        let mut headers = HeaderMap::new();
        if let Some(value) = header {
            headers.insert(HEADER, value.parse().unwrap());
        }
        tenants(&headers, settings, view)
            .map(|tenants| tenants.iter().map(ToString::to_string).collect())
            .map_err(|failure| (failure.status().as_u16(), failure.to_string()))
    }

    #[test]
    fn without_multitenancy_the_header_is_ignored() {
        let settings = Settings::default();
        assert_eq!(
            ask(Some("other"), &settings, &View::default()),
            Ok(vec!["single-tenant".into()])
        );
    }

    #[test]
    fn with_multitenancy_the_header_decides() {
        let on = Settings {
            multitenancy_enabled: true,
            ..Settings::default()
        };
        let view = View::default();
        assert_eq!(ask(None, &on, &view), Err((401, "no org id".into())));
        assert_eq!(
            ask(Some("b|a|b"), &on, &view),
            Ok(vec!["a".into(), "b".into()])
        );
        assert_eq!(ask(Some("a/b"), &on, &view).unwrap_err().0, 400);
        let one = Settings {
            multi_tenant_queries_enabled: false,
            ..on.clone()
        };
        assert_eq!(ask(Some("a|b"), &one, &view).unwrap_err().0, 400);
        let strict = View {
            unknown: UnknownTenants::Refuse,
            ..View::default()
        };
        assert_eq!(ask(Some("a"), &on, &strict).unwrap_err().0, 403);
    }
}
