//! Ordered cases.

use takt_domain::policies::rule::{
    Action, Case, CaseScope, Compare, Condition, Datatype, FirstMatch, Operator,
};
use takt_wire::takt::control::log::v1 as stored;
use takt_wire::takt::control::log::v1::match_action::Action as StoredAction;
use takt_wire::takt::control::log::v1::match_condition::Condition as StoredCondition;

use super::adaptive;
use crate::codec::policies::spec::{Malformed, known};

pub(super) fn to(rule: &FirstMatch) -> stored::FirstMatchRule {
    stored::FirstMatchRule {
        cases: rule.cases.iter().map(case_to).collect(),
        otherwise: Some(action_to(&rule.otherwise)),
    }
}

pub(super) fn from(rule: stored::FirstMatchRule) -> Result<FirstMatch, Malformed> {
    let cases = rule.cases.into_iter().map(case_from);
    Ok(FirstMatch {
        cases: cases.collect::<Result<_, _>>()?,
        otherwise: match rule.otherwise {
            None => Action::Pass,
            Some(action) => action_from("otherwise", Some(action))?,
        },
    })
}

fn case_to(case: &Case) -> stored::MatchCase {
    stored::MatchCase {
        name: case.name.clone(),
        scope: match case.scope {
            CaseScope::AnySpan => stored::MatchScope::AnySpan,
            CaseScope::SameSpan => stored::MatchScope::SameSpan,
        }
        .into(),
        conditions: case.conditions.iter().map(condition_to).collect(),
        action: Some(action_to(&case.action)),
    }
}

fn case_from(case: stored::MatchCase) -> Result<Case, Malformed> {
    let conditions = case.conditions.into_iter().map(condition_from);
    Ok(Case {
        name: case.name,
        scope: match known("cases.scope", case.scope)? {
            stored::MatchScope::Unspecified | stored::MatchScope::AnySpan => CaseScope::AnySpan,
            stored::MatchScope::SameSpan => CaseScope::SameSpan,
        },
        conditions: conditions.collect::<Result<_, _>>()?,
        action: action_from("cases.action", case.action)?,
    })
}

fn condition_to(condition: &Condition) -> stored::MatchCondition {
    let condition = match condition {
        Condition::Compare(compare) => StoredCondition::Compare(stored::MatchCompare {
            fields: compare.fields.clone(),
            operator: operator_to(compare.operator).into(),
            values: compare.values.clone(),
            datatype: datatype_to(compare.datatype).into(),
        }),
        Condition::Ottl(text) => StoredCondition::Ottl(text.clone()),
        Condition::TraceQl(query) => StoredCondition::Traceql(query.clone()),
    };
    stored::MatchCondition {
        condition: Some(condition),
    }
}

fn condition_from(condition: stored::MatchCondition) -> Result<Condition, Malformed> {
    let missing = Malformed::Missing("cases.conditions");
    Ok(match condition.condition.ok_or(missing)? {
        StoredCondition::Compare(compare) => Condition::Compare(Compare {
            fields: compare.fields,
            operator: operator_from(compare.operator)?,
            values: compare.values,
            datatype: datatype_from(compare.datatype)?,
        }),
        StoredCondition::Ottl(text) => Condition::Ottl(text),
        StoredCondition::Traceql(query) => Condition::TraceQl(query),
    })
}

fn action_to(action: &Action) -> stored::MatchAction {
    let action = match action {
        Action::Pass => StoredAction::Pass(stored::MatchPass {}),
        Action::Drop => StoredAction::Drop(stored::MatchDrop {}),
        Action::Keep => StoredAction::Keep(stored::MatchKeep {}),
        Action::KeepOneIn(one_in) => StoredAction::KeepOneIn(*one_in),
        Action::KeepAdaptively(rule) => StoredAction::KeepAdaptively(adaptive::to(rule)),
    };
    stored::MatchAction {
        action: Some(action),
    }
}

fn action_from(
    field: &'static str,
    action: Option<stored::MatchAction>,
) -> Result<Action, Malformed> {
    let action = action.and_then(|action| action.action);
    Ok(match action.ok_or(Malformed::Missing(field))? {
        StoredAction::Pass(_) => Action::Pass,
        StoredAction::Drop(_) => Action::Drop,
        StoredAction::Keep(_) => Action::Keep,
        StoredAction::KeepOneIn(one_in) => Action::KeepOneIn(one_in),
        StoredAction::KeepAdaptively(rule) => Action::KeepAdaptively(adaptive::from(rule)?),
    })
}

fn operator_to(operator: Operator) -> stored::MatchOperator {
    match operator {
        Operator::Equal => stored::MatchOperator::Equal,
        Operator::NotEqual => stored::MatchOperator::NotEqual,
        Operator::Greater => stored::MatchOperator::Greater,
        Operator::Less => stored::MatchOperator::Less,
        Operator::GreaterOrEqual => stored::MatchOperator::GreaterOrEqual,
        Operator::LessOrEqual => stored::MatchOperator::LessOrEqual,
        Operator::StartsWith => stored::MatchOperator::StartsWith,
        Operator::Contains => stored::MatchOperator::Contains,
        Operator::DoesNotContain => stored::MatchOperator::DoesNotContain,
        Operator::Exists => stored::MatchOperator::Exists,
        Operator::NotExists => stored::MatchOperator::NotExists,
        Operator::HasRootSpan => stored::MatchOperator::HasRootSpan,
        Operator::Matches => stored::MatchOperator::Matches,
        Operator::In => stored::MatchOperator::In,
        Operator::NotIn => stored::MatchOperator::NotIn,
    }
}

fn operator_from(operator: i32) -> Result<Operator, Malformed> {
    Ok(match known("compare.operator", operator)? {
        stored::MatchOperator::Unspecified => {
            return Err(Malformed::Missing("compare.operator"));
        }
        stored::MatchOperator::Equal => Operator::Equal,
        stored::MatchOperator::NotEqual => Operator::NotEqual,
        stored::MatchOperator::Greater => Operator::Greater,
        stored::MatchOperator::Less => Operator::Less,
        stored::MatchOperator::GreaterOrEqual => Operator::GreaterOrEqual,
        stored::MatchOperator::LessOrEqual => Operator::LessOrEqual,
        stored::MatchOperator::StartsWith => Operator::StartsWith,
        stored::MatchOperator::Contains => Operator::Contains,
        stored::MatchOperator::DoesNotContain => Operator::DoesNotContain,
        stored::MatchOperator::Exists => Operator::Exists,
        stored::MatchOperator::NotExists => Operator::NotExists,
        stored::MatchOperator::HasRootSpan => Operator::HasRootSpan,
        stored::MatchOperator::Matches => Operator::Matches,
        stored::MatchOperator::In => Operator::In,
        stored::MatchOperator::NotIn => Operator::NotIn,
    })
}

fn datatype_to(datatype: Datatype) -> stored::MatchDatatype {
    match datatype {
        Datatype::String => stored::MatchDatatype::String,
        Datatype::Integer => stored::MatchDatatype::Integer,
        Datatype::Decimal => stored::MatchDatatype::Decimal,
        Datatype::Boolean => stored::MatchDatatype::Boolean,
    }
}

fn datatype_from(datatype: i32) -> Result<Datatype, Malformed> {
    Ok(match known("compare.datatype", datatype)? {
        stored::MatchDatatype::Unspecified | stored::MatchDatatype::String => Datatype::String,
        stored::MatchDatatype::Integer => Datatype::Integer,
        stored::MatchDatatype::Decimal => Datatype::Decimal,
        stored::MatchDatatype::Boolean => Datatype::Boolean,
    })
}
