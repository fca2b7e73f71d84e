//! `overrides`: the limits of a tenant for which nothing else was decided. Names are Tempo's.

use takt_model::{LimitError, Limits, OverridesPatch};

use crate::config::fields::Fields;

pub(super) fn read(fields: &mut Fields<'_, '_, '_>) -> Limits {
    let doc = "Limits of every tenant. A tenant's own overrides are decided while running (`takt ctl overrides`) and inherit from here what they do not name.";
    fields.section("overrides", doc, |fields| {
        fields.section("defaults", "Where every tenant starts.", |fields| {
            let mut patch = OverridesPatch::default();
            let mut sections: Vec<&'static str> = Limits::fields()
                .iter()
                .filter_map(|field| Some(field.name.split_once('.')?.0))
                .collect();
            sections.dedup();
            for section in sections {
                fields.section(section, "", |fields| {
                    read_section(section, fields, &mut patch)
                });
            }
            patch.over(&Limits::default())
        })
    })
}

fn read_section(
    section: &'static str,
    fields: &mut Fields<'_, '_, '_>,
    patch: &mut OverridesPatch,
) {
    let defaults = Limits::default().entries();
    for field in Limits::fields() {
        let Some((_, name)) = field.name.split_once('.').filter(|(of, _)| *of == section) else {
            continue;
        };
        let default = defaults
            .iter()
            .find(|(of, _)| *of == field.name)
            .map_or("", |(_, text)| text);
        let text = fields.text(name, default, field.unit, field.doc);
        match patch.set(field.name, &text) {
            Ok(()) => {}
            Err(LimitError::Value { reason, .. }) => fields.refuse(name, reason),
            Err(error) => fields.refuse(name, error.to_string()),
        }
    }
}
