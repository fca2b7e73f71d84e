//! Tokens. The secret of a new one is made here, and leaves only in the answer to the one who asked.

use takt_domain::State;
use takt_domain::access::{Command, Name, NewToken, Rejection, Token};
use takt_model::UnixNano;
use takt_wire::takt::admin::v1 as wire;
use takt_wire::takt::admin::v1::token_service_server::TokenService;
use tonic::{Request, Response, Status};

use super::{name, page};
use crate::auth::Secret;
use crate::refusal::rejected;
use crate::request::actor;
use crate::writer::{Writer, if_match};

#[derive(Debug)]
pub(crate) struct TokenApi {
    writer: Writer,
}

impl TokenApi {
    pub(crate) fn new(writer: Writer) -> Self {
        Self { writer }
    }
}

#[tonic::async_trait]
impl TokenService for TokenApi {
    async fn create_token(
        &self,
        request: Request<wire::CreateTokenRequest>,
    ) -> Result<Response<wire::CreateTokenResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let secret = Secret::fresh().map_err(|error| error.status())?;
        let new = NewToken {
            name: name(&request.name)?,
            display_name: request.display_name,
            policy: name(&request.policy)?,
            hash: secret.hash(),
            prefix: secret.prefix().to_owned(),
            expires_at: request.expires_at.map(UnixNano),
        };
        let (name, hash) = (new.name.clone(), new.hash);
        let command = Command::CreateToken(new);
        let changed = self.writer.add(actor, request.change, command).await?;
        // A command sent again gets the first answer, and the first secret is known to nobody here.
        let token = changed.state.access.tokens().get(&name);
        let ours = token.is_some_and(|token| token.spec.hash == hash);
        let secret = if ours && !changed.outcome.dry_run {
            secret.reveal().to_owned()
        } else {
            String::new()
        };
        Ok(Response::new(wire::CreateTokenResponse {
            token: token.map(|token| to_wire(&name, token)),
            outcome: Some(changed.outcome),
            secret,
        }))
    }

    async fn get_token(
        &self,
        request: Request<wire::GetTokenRequest>,
    ) -> Result<Response<wire::GetTokenResponse>, Status> {
        let name = name(&request.into_inner().name)?;
        let state = self.writer.read().await?;
        let found = find(&state, &name);
        let token = found.ok_or_else(|| rejected(&Rejection::TokenUnknown(name).into()))?;
        Ok(Response::new(wire::GetTokenResponse { token: Some(token) }))
    }

    async fn list_tokens(
        &self,
        request: Request<wire::ListTokensRequest>,
    ) -> Result<Response<wire::ListTokensResponse>, Status> {
        let request = request.into_inner();
        let only = match request.policy.as_str() {
            "" => None,
            text => Some(name(text)?),
        };
        let state = self.writer.read().await?;
        let wanted = |token: &Token| {
            only.as_ref()
                .is_none_or(|policy| token.spec.policy == *policy)
        };
        let row = |name: &Name, token: &Token| wanted(token).then(|| to_wire(name, token));
        let tokens = state.access.tokens();
        let (tokens, next_page_token) = page(tokens, request.page_size, &request.page_token, row)?;
        Ok(Response::new(wire::ListTokensResponse {
            tokens,
            next_page_token,
        }))
    }

    async fn revoke_token(
        &self,
        request: Request<wire::RevokeTokenRequest>,
    ) -> Result<Response<wire::RevokeTokenResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let name = name(&request.name)?;
        let command = Command::RevokeToken {
            name: name.clone(),
            reason: request.reason,
            if_match: if_match(request.change.as_ref()),
        };
        let changed = self.writer.change(actor, request.change, command).await?;
        Ok(Response::new(wire::RevokeTokenResponse {
            token: find(&changed.state, &name),
            outcome: Some(changed.outcome),
        }))
    }

    async fn delete_token(
        &self,
        request: Request<wire::DeleteTokenRequest>,
    ) -> Result<Response<wire::DeleteTokenResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let command = Command::DeleteToken {
            name: name(&request.name)?,
            if_match: if_match(request.change.as_ref()),
        };
        let changed = self.writer.change(actor, request.change, command).await?;
        Ok(Response::new(wire::DeleteTokenResponse {
            outcome: Some(changed.outcome),
        }))
    }
}

/// As it stands.
pub(crate) fn find(state: &State, name: &Name) -> Option<wire::Token> {
    let token = state.access.tokens().get(name)?;
    Some(to_wire(name, token))
}

pub(crate) fn to_wire(name: &Name, token: &Token) -> wire::Token {
    let revoked = token.revoked.as_ref();
    wire::Token {
        name: name.to_string(),
        id: token.spec.id.hyphenated().to_string(),
        display_name: token.spec.display_name.clone(),
        policy: token.spec.policy.to_string(),
        prefix: token.spec.prefix.clone(),
        created_at: token.created_at.0,
        expires_at: token.spec.expires_at.map(|end| end.0),
        revoked_at: revoked.map(|revoked| revoked.at.0),
        revoke_reason: revoked
            .map(|revoked| revoked.reason.clone())
            .unwrap_or_default(),
        last_used_at: token.last_used.map(|day| day.start().0),
        version: token.version.0,
    }
}
