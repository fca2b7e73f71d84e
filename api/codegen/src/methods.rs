//! The list of the control plane's methods, as an enum: who matches on it hears of every new one.

use std::fmt::Write as _;

use anyhow::Result;
use prost_types::{FileDescriptorProto, FileDescriptorSet, MethodDescriptorProto};

const PACKAGES: [&str; 2] = ["takt.admin.v1", "takt.control.v1"];
/// A request with one of these fields changes something.
const CHANGE: [&str; 2] = ["change", "command_id"];

struct Method {
    variant: String,
    path: String,
    mutates: bool,
}

pub(crate) fn generate(files: &FileDescriptorSet) -> Result<String> {
    let methods = list(files);
    let mut text =
        String::from("// @generated\n/// Every method of the control plane's services.\n");
    text.push_str("#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]\npub enum AdminMethod {\n");
    for method in &methods {
        writeln!(text, "    {},", method.variant)?;
    }
    text.push_str("}\n\nimpl AdminMethod {\n    pub const ALL: &'static [Self] = &[\n");
    for method in &methods {
        writeln!(text, "        Self::{},", method.variant)?;
    }
    text.push_str("    ];\n\n    /// As in the path of an HTTP/2 request.\n    pub const fn path(self) -> &'static str {\n        match self {\n");
    for method in &methods {
        writeln!(
            text,
            "            Self::{} => \"{}\",",
            method.variant, method.path
        )?;
    }
    text.push_str("        }\n    }\n\n    /// The method of a path.\n    pub fn of_path(path: &str) -> Option<Self> {\n        Some(match path {\n");
    for method in &methods {
        writeln!(
            text,
            "            \"{}\" => Self::{},",
            method.path, method.variant
        )?;
    }
    text.push_str("            _ => return None,\n        })\n    }\n\n    /// Its request names a command: it writes to the control log.\n    pub const fn mutates(self) -> bool {\n        match self {\n");
    for (answer, matching) in [(true, true), (false, false)] {
        let names: Vec<String> = methods
            .iter()
            .filter(|method| method.mutates == matching)
            .map(|method| format!("Self::{}", method.variant))
            .collect();
        if !names.is_empty() {
            writeln!(
                text,
                "            {} => {answer},",
                names.join("\n            | ")
            )?;
        }
    }
    text.push_str("        }\n    }\n}\n");
    Ok(text)
}

fn list(files: &FileDescriptorSet) -> Vec<Method> {
    let mut methods = Vec::new();
    for file in files
        .file
        .iter()
        .filter(|file| PACKAGES.contains(&file.package()))
    {
        for service in &file.service {
            for method in &service.method {
                let stem = service.name().trim_end_matches("Service");
                methods.push(Method {
                    variant: format!("{stem}{}", method.name()),
                    path: format!("/{}.{}/{}", file.package(), service.name(), method.name()),
                    mutates: mutates(file, method),
                });
            }
        }
    }
    methods.sort_by(|a, b| a.path.cmp(&b.path));
    methods
}

/// Requests stand in the file of their service.
fn mutates(file: &FileDescriptorProto, method: &MethodDescriptorProto) -> bool {
    let wanted = method.input_type().rsplit('.').next().unwrap_or_default();
    let request = file
        .message_type
        .iter()
        .find(|message| message.name() == wanted);
    request.is_some_and(|message| {
        message
            .field
            .iter()
            .any(|field| CHANGE.contains(&field.name()))
    })
}
