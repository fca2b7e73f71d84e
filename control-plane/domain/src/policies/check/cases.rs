//! Ordered cases: what is compared with what.

use super::adaptive::adaptive;
use super::fields::{
    MAX_PER_SECOND, count, distinct, expression, name, pattern, some, text, within,
};
use super::{Fault, MAX_ITEMS, Within as _, Wrong};
use crate::policies::rule::{
    Action, Case, CaseScope, Compare, Condition, Datatype, FirstMatch, Operator,
};

pub(super) fn first_match(rule: &FirstMatch) -> Result<(), Wrong> {
    some("cases", rule.cases.len())?;
    distinct("cases.name", rule.cases.iter().map(|case| &case.name))?;
    for (number, case) in rule.cases.iter().enumerate() {
        check_case(case).within(&format!("cases[{number}]"))?;
    }
    action("otherwise", &rule.otherwise)
}

fn check_case(case: &Case) -> Result<(), Wrong> {
    name("name", &case.name)?;
    count("conditions", case.conditions.len())?;
    for (number, condition) in case.conditions.iter().enumerate() {
        let checked = match condition {
            Condition::Compare(compare) => check_compare(compare, case.scope),
            Condition::Ottl(text) => expression("ottl", text),
            Condition::TraceQl(query) => expression("traceql", query),
        };
        checked.within(&format!("conditions[{number}]"))?;
    }
    action("action", &case.action)
}

fn check_compare(compare: &Compare, scope: CaseScope) -> Result<(), Wrong> {
    let operator = compare.operator;
    let takes = match operator {
        Operator::HasRootSpan => (0, 0, "no field and one value, `true` or `false`"),
        _ => (1, MAX_ITEMS, "at least one field"),
    };
    let wrong = |takes| {
        let operator = operator.name();
        Err(Fault::Operands { operator, takes }.at("operator"))
    };
    if !(takes.0..=takes.1).contains(&compare.fields.len()) {
        return wrong(takes.2);
    }
    for field in &compare.fields {
        name("fields", field)?;
    }
    let values = compare.values.len();
    match operator {
        Operator::Exists | Operator::NotExists if values > 0 => return wrong("no value"),
        Operator::Exists | Operator::NotExists => {}
        Operator::In | Operator::NotIn => some("values", values)?,
        _ if values != 1 => return wrong("exactly one value"),
        _ => {}
    }
    if operator == Operator::HasRootSpan && scope == CaseScope::SameSpan {
        return wrong("the scope `any span`: it asks the trace, not a span");
    }
    for value in &compare.values {
        check_value(value, compare)?;
    }
    Ok(())
}

fn check_value(value: &str, compare: &Compare) -> Result<(), Wrong> {
    text("values", value)?;
    match compare.operator {
        Operator::Matches => pattern("values", value),
        Operator::HasRootSpan => readable(value, Datatype::Boolean),
        _ => readable(value, compare.datatype),
    }
}

fn readable(value: &str, datatype: Datatype) -> Result<(), Wrong> {
    let (fits, what) = match datatype {
        Datatype::String => (true, "text"),
        Datatype::Integer => (value.parse::<i64>().is_ok(), "an integer of 64 bits"),
        Datatype::Decimal => (is_decimal(value), "a decimal number, as in `-12.5`"),
        Datatype::Boolean => (matches!(value, "true" | "false"), "`true` or `false`"),
    };
    if fits {
        return Ok(());
    }
    Err(Fault::NotA(what).at("values"))
}

/// Digits, perhaps with a sign and a point between them.
fn is_decimal(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.len() <= 64 && digits(whole) && digits(part)
}

fn action(path: &str, action: &Action) -> Result<(), Wrong> {
    match action {
        Action::Pass | Action::Drop | Action::Keep => Ok(()),
        Action::KeepOneIn(one_in) => within(path, *one_in, 1, MAX_PER_SECOND),
        Action::KeepAdaptively(rule) => adaptive(rule).within(path),
    }
}
