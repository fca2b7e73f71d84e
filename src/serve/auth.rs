//! The first way in.

use anyhow::Result;
use takt_server::auth::{AdminToken, Secret, Settings};

use crate::config::Auth;

/// Opens the admin token; a new one is shown, this once, to whoever started the process.
pub(super) fn settings(auth: &Auth, clients_are_asked: bool) -> Result<Settings> {
    let (admin, fresh) = AdminToken::open(&auth.admin_token_file)?;
    if let Some(secret) = fresh {
        show(auth, &secret);
    }
    if let Some(role) = auth.anonymous {
        tracing::warn!(
            role = role.name(),
            "whoever reaches the port may call the control plane (`control.auth.anonymous`)"
        );
    }
    if !auth.certificates.is_empty() && !clients_are_asked {
        tracing::warn!(
            "nobody is known by a certificate: `control.auth.certificates` needs `server.tls.client_ca_file`"
        );
    }
    Ok(Settings {
        admin: Some(admin),
        anonymous: auth.anonymous,
        certificates: auth.certificates.clone(),
    })
}

#[expect(
    clippy::print_stderr,
    reason = "shown once to a person; a log would keep it"
)]
fn show(auth: &Auth, secret: &Secret) {
    let file = auth.admin_token_file.display();
    eprintln!(
        "the admin token of this control plane, shown only now and kept in `{file}`:\n\n  {}\n\nuse it with `takt ctl --token-file {file} …` or `Authorization: Bearer …`\n",
        secret.reveal()
    );
}
