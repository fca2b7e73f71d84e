//! Tokens. The secret is in the answer to the request that made it and nowhere else.

use serde::{Deserialize, Serialize};
use takt_wire::methods::AdminMethod;
use takt_wire::takt::admin::v1 as wire;

use super::answer::Answer;
use super::ask::{Ask, Result};
use super::json::{Standing, moment, time};

#[derive(Debug, Serialize)]
struct Token {
    name: String,
    display_name: String,
    created_at: String,
    /// Inactive once it is revoked or over.
    status: Standing,
    access_policy: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration: Option<String>,
    /// The secret.
    #[serde(skip_serializing_if = "String::is_empty")]
    token: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    name: String,
    #[serde(default)]
    display_name: String,
    access_policy: String,
    #[serde(default)]
    expiration: Option<String>,
    #[serde(default, rename = "created_at")]
    _created_at: Option<String>,
}

pub(super) async fn list(ask: &Ask<'_>) -> Result<Answer> {
    let list = ask.list("token", |page_size, page_token| async move {
        let request = wire::ListTokensRequest {
            page_size,
            page_token,
            policy: String::new(),
        };
        let method = AdminMethod::TokenListTokens;
        let page: wire::ListTokensResponse = ask.call(method, &request).await?;
        let rows = page.tokens.into_iter();
        let rows = rows.map(|token| show(ask, token, String::new())).collect();
        Ok((rows, page.next_page_token))
    });
    Ok(Answer::many(&list.await?)?)
}

pub(super) async fn create(ask: &Ask<'_>) -> Result<Answer> {
    let wanted: Wanted = ask.json()?;
    let ends = wanted.expiration.as_deref();
    let ends = ends.map(|text| moment("expiration", text)).transpose()?;
    let request = wire::CreateTokenRequest {
        change: Some(ask.change(None)?),
        name: wanted.name,
        display_name: wanted.display_name,
        policy: wanted.access_policy,
        expires_at: ends,
    };
    let method = AdminMethod::TokenCreateToken;
    let created: wire::CreateTokenResponse = ask.call(method, &request).await?;
    shown(ask, created.token, created.secret)
}

pub(super) async fn get(ask: &Ask<'_>) -> Result<Answer> {
    let name = ask.name().await?;
    let request = wire::GetTokenRequest { name };
    let method = AdminMethod::TokenGetToken;
    let got: wire::GetTokenResponse = ask.call(method, &request).await?;
    shown(ask, got.token, String::new())
}

pub(super) async fn delete(ask: &Ask<'_>) -> Result<Answer> {
    let request = wire::DeleteTokenRequest {
        name: ask.name().await?,
        change: Some(ask.change(Some(ask.precondition()?))?),
    };
    let method = AdminMethod::TokenDeleteToken;
    let _: wire::DeleteTokenResponse = ask.call(method, &request).await?;
    Ok(Answer::Gone)
}

fn shown(ask: &Ask<'_>, token: Option<wire::Token>, secret: String) -> Result<Answer> {
    let token = token.unwrap_or_default();
    let version = token.version;
    Ok(Answer::one(&show(ask, token, secret), version)?)
}

fn show(ask: &Ask<'_>, token: wire::Token, secret: String) -> Token {
    let over = token.expires_at.is_some_and(|end| end <= ask.now());
    Token {
        name: token.name,
        display_name: token.display_name,
        created_at: time(token.created_at),
        status: if over || token.revoked_at.is_some() {
            Standing::Inactive
        } else {
            Standing::Active
        },
        access_policy: token.policy,
        expiration: token.expires_at.map(time),
        token: secret,
    }
}
