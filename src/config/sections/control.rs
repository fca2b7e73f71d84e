//! `control`: the log of decisions.

use std::path::{Path, PathBuf};

use crate::config::fields::Fields;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Control {
    pub(crate) dir: PathBuf,
    pub(crate) node_id: u64,
}

impl Control {
    pub(super) fn read(fields: &mut Fields<'_, '_, '_>, data: &Path) -> Self {
        fields.section(
            "control",
            "The control plane: tenants, overrides and who changed them.",
            |fields| {
                let control = Self {
                    dir: fields.value_or(
                        "dir",
                        data.join("control"),
                        "`control` in `data_dir`",
                        "Where the control log is.",
                    ),
                    node_id: fields.value(
                        "node_id",
                        "1",
                        "This node's number among the voters; it must never change.",
                    ),
                };
                if control.node_id == 0 {
                    fields.refuse("node_id", "must be greater than zero");
                }
                control
            },
        )
    }
}
