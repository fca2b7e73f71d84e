//! Every type of policy, read off the contract: its comments are the documentation.

use prost_reflect::{
    DescriptorPool, EnumDescriptor, FieldDescriptor, FileDescriptor, Kind, MessageDescriptor,
};
use takt_wire::takt::admin::v1 as wire;

const RULE: &str = "takt.control.log.v1.PolicyRule";

/// In the order of the contract.
pub(super) fn types() -> Vec<wire::PolicyType> {
    let pool = DescriptorPool::decode(takt_wire::DESCRIPTORS)
        .expect("the descriptors are built in, and a test reads them");
    let rule = pool
        .get_message_by_name(RULE)
        .expect("the contract has the message, and a test reads it");
    let types = rule.fields().map(|field| wire::PolicyType {
        name: field.name().to_owned(),
        summary: field_doc(&field),
        fields: match field.kind() {
            Kind::Message(message) => fields(&message, &mut vec![rule.clone()]),
            _ => Vec::new(),
        },
    });
    types.collect()
}

/// `around` are the messages this one stands in: what holds itself is told once.
fn fields(
    message: &MessageDescriptor,
    around: &mut Vec<MessageDescriptor>,
) -> Vec<wire::PolicyTypeField> {
    around.push(message.clone());
    let told = message.fields().map(|field| {
        let kind = field.kind();
        let (values, inner) = match &kind {
            Kind::Enum(one) => (values(one), Vec::new()),
            Kind::Message(inner) if !field.is_map() && !around.contains(inner) => {
                (Vec::new(), fields(inner, around))
            }
            _ => (Vec::new(), Vec::new()),
        };
        wire::PolicyTypeField {
            name: field.name().to_owned(),
            r#type: type_name(&field, &kind),
            repeated: field.is_list(),
            optional: field.supports_presence() && field.containing_oneof().is_none_or(synthetic),
            description: field_doc(&field),
            values,
            fields: inner,
        }
    });
    let told = told.collect();
    around.pop();
    told
}

/// The oneof that stands for the word `optional`.
fn synthetic(oneof: prost_reflect::OneofDescriptor) -> bool {
    oneof.is_synthetic()
}

fn type_name(field: &FieldDescriptor, kind: &Kind) -> String {
    if field.is_map() {
        return "map of string to string".to_owned();
    }
    match kind {
        Kind::Message(message) => message.name().to_owned(),
        Kind::Enum(one) => one.name().to_owned(),
        scalar => format!("{scalar:?}"),
    }
}

/// Without the one that stands for nothing said.
fn values(one: &EnumDescriptor) -> Vec<wire::PolicyTypeValue> {
    let said = one.values().filter(|value| value.number() != 0);
    let values = said.map(|value| wire::PolicyTypeValue {
        name: value.name().to_owned(),
        description: doc(&one.parent_file(), value.path()),
    });
    values.collect()
}

fn field_doc(field: &FieldDescriptor) -> String {
    doc(&field.parent_message().parent_file(), field.path())
}

/// The comment above a thing.
fn doc(file: &FileDescriptor, path: &[i32]) -> String {
    let info = file.file_descriptor_proto().source_code_info.as_ref();
    let mut places = info.into_iter().flat_map(|info| &info.location);
    let found = places.find(|place| place.path == path);
    let comment = found.and_then(|place| place.leading_comments.as_deref());
    let lines = comment.unwrap_or_default().lines().map(str::trim);
    lines.collect::<Vec<_>>().join(" ").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use takt_domain::policies::Rule;

    use super::*;

    #[test]
    fn every_type_and_field_is_documented() {
        fn told(within: &str, fields: &[wire::PolicyTypeField], silent: &mut Vec<String>) {
            for field in fields {
                let name = format!("{within}.{}", field.name);
                if field.description.is_empty() {
                    silent.push(name.clone());
                }
                told(&name, &field.fields, silent);
            }
        }
        let types = types();
        assert_eq!(types.len(), 24);
        let mut silent = Vec::new();
        for one in &types {
            assert!(!one.summary.is_empty(), "{}", one.name);
            told(&one.name, &one.fields, &mut silent);
        }
        assert_eq!(silent, Vec::<String>::new());
    }

    #[test]
    fn a_type_has_the_name_that_the_domain_gives_it() {
        let types = types();
        let names: Vec<&str> = types.iter().map(|one| one.name.as_str()).collect();
        for rule in [
            Rule::Always,
            Rule::TraceFlags,
            Rule::And(vec![]),
            Rule::Not(Box::new(Rule::Always)),
            Rule::Drop(vec![]),
            Rule::TraceQl(String::new()),
        ] {
            assert!(names.contains(&rule.kind()), "{}", rule.kind());
        }
    }

    #[test]
    fn fields_say_what_they_take() {
        let types = types();
        let of = |name: &str| types.iter().find(|one| one.name == name).unwrap();
        let latency: Vec<(&str, &str, bool)> = of("latency")
            .fields
            .iter()
            .map(|field| (field.name.as_str(), field.r#type.as_str(), field.optional))
            .collect();
        assert_eq!(
            latency,
            [("above_ns", "uint64", false), ("up_to_ns", "uint64", true)]
        );
        let codes = &of("status_code").fields[0];
        assert!(codes.repeated);
        assert_eq!(codes.values.len(), 3);
        // What holds itself is told once.
        assert!(of("and").fields[0].fields.is_empty());
    }
}
