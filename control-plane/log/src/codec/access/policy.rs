//! What people say of a policy.

use takt_domain::access::{
    Comparison, Double, Matcher, Network, Otherwise, Place, PolicySpec, Realm, Redaction,
    RedactionMode, Scope, Selector, Stamp, Tenants, Value,
};
use takt_model::{TenantId, UnixNano};
use takt_wire::takt::control::log::v1 as stored;
use takt_wire::takt::control::log::v1::access_matcher::Value as StoredValue;

use crate::codec::DecodeError;

pub(super) fn to(spec: &PolicySpec) -> stored::AccessPolicySpec {
    let scopes = spec.scopes.iter();
    let stamps = spec.stamps.iter();
    stored::AccessPolicySpec {
        display_name: spec.display_name.clone(),
        scopes: scopes.map(|scope| scope.name().to_owned()).collect(),
        realms: spec.realms.iter().map(realm_to).collect(),
        networks: spec.networks.iter().map(Network::to_string).collect(),
        expires_at: spec.expires_at.map(|end| end.0),
        inactive: spec.inactive,
        labels: spec.labels.clone(),
        redaction_mode: mode_to(spec.redaction.mode).into(),
        redaction_reveal: spec.redaction.reveal.iter().cloned().collect(),
        stamps: stamps
            .map(|stamp| stored::AccessStamp {
                key: stamp.key.clone(),
                values: stamp.values.clone(),
                otherwise: match stamp.otherwise {
                    Otherwise::Overwrite => stored::AccessOtherwise::Overwrite,
                    Otherwise::Reject => stored::AccessOtherwise::Reject,
                }
                .into(),
            })
            .collect(),
    }
}

pub(super) fn from(spec: stored::AccessPolicySpec) -> Result<PolicySpec, DecodeError> {
    let scope = |text: &String| Scope::parse(text).map_err(|_| DecodeError::UnknownKind);
    let network = |text: &String| Network::parse(text).map_err(|_| DecodeError::Illegal("network"));
    let redaction = Redaction {
        mode: mode_from(spec.redaction_mode())?,
        reveal: spec.redaction_reveal.into_iter().collect(),
    };
    Ok(PolicySpec {
        display_name: spec.display_name,
        scopes: spec.scopes.iter().map(scope).collect::<Result<_, _>>()?,
        realms: spec
            .realms
            .into_iter()
            .map(realm_from)
            .collect::<Result<_, _>>()?,
        networks: spec
            .networks
            .iter()
            .map(network)
            .collect::<Result<_, _>>()?,
        expires_at: spec.expires_at.map(UnixNano),
        inactive: spec.inactive,
        labels: spec.labels,
        redaction,
        stamps: spec
            .stamps
            .into_iter()
            .map(stamp_from)
            .collect::<Result<_, _>>()?,
    })
}

fn mode_to(mode: RedactionMode) -> stored::AccessRedactionMode {
    match mode {
        RedactionMode::Attributes => stored::AccessRedactionMode::Attributes,
        RedactionMode::Spans => stored::AccessRedactionMode::Spans,
        RedactionMode::Hide => stored::AccessRedactionMode::Hide,
    }
}

fn mode_from(mode: stored::AccessRedactionMode) -> Result<RedactionMode, DecodeError> {
    Ok(match mode {
        stored::AccessRedactionMode::Attributes => RedactionMode::Attributes,
        stored::AccessRedactionMode::Spans => RedactionMode::Spans,
        stored::AccessRedactionMode::Hide => RedactionMode::Hide,
        stored::AccessRedactionMode::Unspecified => return Err(DecodeError::UnknownKind),
    })
}

fn stamp_from(stamp: stored::AccessStamp) -> Result<Stamp, DecodeError> {
    let otherwise = match stamp.otherwise() {
        stored::AccessOtherwise::Overwrite => Otherwise::Overwrite,
        stored::AccessOtherwise::Reject => Otherwise::Reject,
        stored::AccessOtherwise::Unspecified => return Err(DecodeError::UnknownKind),
    };
    Ok(Stamp {
        key: stamp.key,
        values: stamp.values,
        otherwise,
    })
}

fn realm_to(realm: &Realm) -> stored::AccessRealm {
    let selectors = |of: &[Selector]| of.iter().map(selector_to).collect();
    stored::AccessRealm {
        tenant: match &realm.tenants {
            Tenants::All => None,
            Tenants::One(tenant) => Some(tenant.to_string()),
        },
        allow: selectors(&realm.allow),
        deny: selectors(&realm.deny),
    }
}

fn realm_from(realm: stored::AccessRealm) -> Result<Realm, DecodeError> {
    let selectors = |of: Vec<stored::AccessSelector>| {
        of.into_iter().map(selector_from).collect::<Result<_, _>>()
    };
    Ok(Realm {
        tenants: match realm.tenant {
            None => Tenants::All,
            Some(tenant) => Tenants::One(TenantId::new(&tenant)?),
        },
        allow: selectors(realm.allow)?,
        deny: selectors(realm.deny)?,
    })
}

fn selector_to(selector: &Selector) -> stored::AccessSelector {
    stored::AccessSelector {
        matchers: selector.matchers().iter().map(matcher_to).collect(),
    }
}

fn selector_from(selector: stored::AccessSelector) -> Result<Selector, DecodeError> {
    let matchers = selector.matchers.into_iter().map(matcher_from);
    Ok(Selector::restore(matchers.collect::<Result<_, _>>()?))
}

fn matcher_to(matcher: &Matcher) -> stored::AccessMatcher {
    let place = match matcher.place {
        Place::Resource => stored::AccessPlace::Resource,
        Place::Span => stored::AccessPlace::Span,
        Place::Instrumentation => stored::AccessPlace::Instrumentation,
        Place::Event => stored::AccessPlace::Event,
        Place::Link => stored::AccessPlace::Link,
        Place::Intrinsic => stored::AccessPlace::Intrinsic,
    };
    let comparison = match matcher.comparison {
        Comparison::Equal => stored::AccessComparison::Equal,
        Comparison::NotEqual => stored::AccessComparison::NotEqual,
        Comparison::Matches => stored::AccessComparison::Matches,
        Comparison::MatchesNot => stored::AccessComparison::MatchesNot,
        Comparison::Greater => stored::AccessComparison::Greater,
        Comparison::GreaterOrEqual => stored::AccessComparison::GreaterOrEqual,
        Comparison::Less => stored::AccessComparison::Less,
        Comparison::LessOrEqual => stored::AccessComparison::LessOrEqual,
    };
    let value = match &matcher.value {
        Value::Text(text) => StoredValue::Text(text.clone()),
        Value::Int(number) => StoredValue::Int(*number),
        Value::Double(number) => StoredValue::DoubleBits(number.get().to_bits()),
        Value::Bool(yes) => StoredValue::Bool(*yes),
    };
    stored::AccessMatcher {
        place: place.into(),
        key: matcher.key.clone(),
        or_missing: matcher.or_missing,
        comparison: comparison.into(),
        value: Some(value),
    }
}

fn matcher_from(matcher: stored::AccessMatcher) -> Result<Matcher, DecodeError> {
    let place = match matcher.place() {
        stored::AccessPlace::Resource => Place::Resource,
        stored::AccessPlace::Span => Place::Span,
        stored::AccessPlace::Instrumentation => Place::Instrumentation,
        stored::AccessPlace::Event => Place::Event,
        stored::AccessPlace::Link => Place::Link,
        stored::AccessPlace::Intrinsic => Place::Intrinsic,
        stored::AccessPlace::Unspecified => return Err(DecodeError::UnknownKind),
    };
    let comparison = match matcher.comparison() {
        stored::AccessComparison::Equal => Comparison::Equal,
        stored::AccessComparison::NotEqual => Comparison::NotEqual,
        stored::AccessComparison::Matches => Comparison::Matches,
        stored::AccessComparison::MatchesNot => Comparison::MatchesNot,
        stored::AccessComparison::Greater => Comparison::Greater,
        stored::AccessComparison::GreaterOrEqual => Comparison::GreaterOrEqual,
        stored::AccessComparison::Less => Comparison::Less,
        stored::AccessComparison::LessOrEqual => Comparison::LessOrEqual,
        stored::AccessComparison::Unspecified => return Err(DecodeError::UnknownKind),
    };
    let value = match matcher.value.ok_or(DecodeError::Missing("value"))? {
        StoredValue::Text(text) => Value::Text(text),
        StoredValue::Int(number) => Value::Int(number),
        StoredValue::DoubleBits(bits) => {
            let number = Double::new(f64::from_bits(bits));
            Value::Double(number.ok_or(DecodeError::Illegal("double_bits"))?)
        }
        StoredValue::Bool(yes) => Value::Bool(yes),
    };
    Ok(Matcher {
        place,
        key: matcher.key,
        or_missing: matcher.or_missing,
        comparison,
        value,
    })
}
