//! Whose request it is: one `X-Scope-OrgID`, as a header or as gRPC metadata.

use http::HeaderMap;
use takt_model::TenantId;

use crate::refusal::Refusal;

pub(crate) const HEADER: &str = "x-scope-orgid";

/// The tenant that the headers name, or the only one there is.
pub(crate) fn tenant(headers: &HeaderMap, multitenancy: bool) -> Result<TenantId, Refusal> {
    if !multitenancy {
        return Ok(TenantId::single());
    }
    let mut values = headers.get_all(HEADER).iter();
    let value = values
        .next()
        .filter(|value| !value.is_empty())
        .ok_or(Refusal::NoTenant)?;
    if values.next().is_some() {
        return Err(Refusal::ManyTenants);
    }
    let text = value.to_str().map_err(|_| Refusal::TenantNotAscii)?;
    if text.contains('|') {
        return Err(Refusal::ManyTenants);
    }
    TenantId::new(text).map_err(Refusal::Tenant)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(values: &[&'static str]) -> Result<String, String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(HEADER, http::HeaderValue::from_static(value));
        }
        tenant(&headers, true)
            .map(|tenant| tenant.to_string())
            .map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn exactly_one_legal_tenant_is_needed() {
        assert_eq!(named(&["team-a"]), Ok("team-a".to_owned()));
        assert_eq!(named(&[]), Err("no org id".to_owned()));
        assert_eq!(named(&[""]), Err("no org id".to_owned()));
        for several in [&["a", "b"][..], &["a|b"]] {
            assert_eq!(
                named(several),
                Err("spans can be written to one tenant at a time".to_owned())
            );
        }
        assert!(named(&["a/b"]).unwrap_err().contains("`/`"));
    }

    #[test]
    fn without_multitenancy_the_header_means_nothing() {
        let mut headers = HeaderMap::new();
        headers.append(HEADER, http::HeaderValue::from_static("a/b"));
        assert_eq!(tenant(&headers, false).unwrap(), TenantId::single());
    }
}
