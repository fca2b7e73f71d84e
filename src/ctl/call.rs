//! Calls of methods that are known only by their description.

use std::time::Duration;

use anyhow::{Context as _, Result};
use prost::Message as _;
use prost_reflect::{DynamicMessage, MessageDescriptor, ReflectMessage as _, Value};
use tokio::time::Instant;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Code, Request, Status, Streaming};
use tonic_types::StatusExt as _;
use uuid::Uuid;

use super::schema::Verb;

const CALL_WITHIN: Duration = Duration::from_secs(10);
/// How long the server may go on saying that a retry helps.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server and how to speak to it.
#[derive(Debug, Clone)]
pub(super) struct Client {
    channel: Channel,
    authorization: Option<MetadataValue<Ascii>>,
}

/// PEM files for a server that speaks TLS.
#[derive(Debug, Default, Clone)]
pub(super) struct Tls {
    /// Whom to trust; without it, whom the machine trusts.
    pub(super) ca: Option<String>,
    /// Who we are: certificate and key.
    pub(super) identity: Option<(String, String)>,
}

impl Client {
    /// # Errors
    /// When the address, the token or the certificates are not usable.
    pub(super) fn new(endpoint: &str, token: Option<&str>, tls: Tls) -> Result<Self> {
        let mut channel = Endpoint::from_shared(endpoint.to_owned())
            .with_context(|| format!("`{endpoint}` is not a URL such as `http://127.0.0.1:3200`"))?
            .connect_timeout(Duration::from_secs(5));
        if endpoint.starts_with("https:") {
            let mut config = ClientTlsConfig::new().with_native_roots();
            if let Some(ca) = tls.ca {
                config = config.ca_certificate(Certificate::from_pem(ca));
            }
            if let Some((certificate, key)) = tls.identity {
                config = config.identity(Identity::from_pem(certificate, key));
            }
            channel = channel
                .tls_config(config)
                .context("the certificates are not usable")?;
        }
        let authorization = token
            .map(|token| format!("Bearer {}", token.trim()).parse())
            .transpose()
            .context("the token has characters that no header may have")?;
        Ok(Self {
            channel: channel.connect_lazy(),
            authorization,
        })
    }

    pub(super) fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// Asks again for some seconds while the server says that a retry helps, as when its leader has just died. A
    /// change has the same id each time, so it is carried out once.
    ///
    /// # Errors
    /// What the server answered in the end, or that it did not.
    pub(super) async fn unary(
        &self,
        verb: &Verb,
        mut message: DynamicMessage,
    ) -> Result<DynamicMessage> {
        let may_repeat = verb.reads() || name_command(&mut message);
        let patient = Instant::now() + PATIENCE;
        loop {
            match self.once(verb, message.clone()).await {
                Ok(answer) => return Ok(answer),
                Err(status) => match retry_in(&status) {
                    Some(pause) if may_repeat && Instant::now() + pause < patient => {
                        tokio::time::sleep(pause).await;
                    }
                    _ => return Err(status.into()),
                },
            }
        }
    }

    async fn once(&self, verb: &Verb, message: DynamicMessage) -> Result<DynamicMessage, Status> {
        let mut request = self.request(message);
        request.set_timeout(CALL_WITHIN);
        let mut grpc = self.grpc().await?;
        let path = verb.path().parse();
        let path = path.map_err(|_| Status::internal("the method has no path"))?;
        let answer = grpc.unary(request, path, codec(verb)).await?;
        Ok(answer.into_inner())
    }

    /// # Errors
    /// What the server answered, or that it did not.
    pub(super) async fn stream(
        &self,
        verb: &Verb,
        message: DynamicMessage,
    ) -> Result<Streaming<DynamicMessage>> {
        let mut grpc = self.grpc().await?;
        let request = self.request(message);
        let answer = grpc
            .server_streaming(request, verb.path().parse()?, codec(verb))
            .await?;
        Ok(answer.into_inner())
    }

    pub(super) fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(authorization) = &self.authorization {
            request
                .metadata_mut()
                .insert("authorization", authorization.clone());
        }
        request
    }

    async fn grpc(&self) -> Result<tonic::client::Grpc<Channel>, Status> {
        let mut grpc = tonic::client::Grpc::new(self.channel.clone());
        grpc.ready()
            .await
            .map_err(|error| Status::unavailable(error.to_string()))?;
        Ok(grpc)
    }
}

/// Gives a change an id, unless it has one. Whether it is a change.
fn name_command(message: &mut DynamicMessage) -> bool {
    let Some(field) = message.descriptor().get_field_by_name("change") else {
        return false;
    };
    let Value::Message(change) = message.get_field_mut(&field) else {
        return false;
    };
    let Some(id) = change.get_field_by_name("command_id") else {
        return false;
    };
    if id.as_str().is_some_and(str::is_empty) {
        let made = Value::String(Uuid::now_v7().to_string());
        change.set_field_by_name("command_id", made);
    }
    true
}

/// When to ask again; `None` where that does not help.
fn retry_in(status: &Status) -> Option<Duration> {
    if status.code() != Code::Unavailable {
        return None;
    }
    status.get_error_details().retry_info()?.retry_delay
}

fn codec(verb: &Verb) -> Dynamic {
    Dynamic(verb.method.output())
}

/// Messages by their description; the descriptor is the answer's.
#[derive(Debug, Clone)]
struct Dynamic(MessageDescriptor);

impl Codec for Dynamic {
    type Encode = DynamicMessage;
    type Decode = DynamicMessage;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        self.clone()
    }

    fn decoder(&mut self) -> Self {
        self.clone()
    }
}

impl Encoder for Dynamic {
    type Item = DynamicMessage;
    type Error = Status;

    fn encode(
        &mut self,
        message: DynamicMessage,
        buffer: &mut EncodeBuf<'_>,
    ) -> Result<(), Status> {
        message
            .encode(buffer)
            .map_err(|error| Status::internal(format!("the request cannot be encoded: {error}")))
    }
}

impl Decoder for Dynamic {
    type Item = DynamicMessage;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<DynamicMessage>, Status> {
        DynamicMessage::decode(self.0.clone(), buffer)
            .map(Some)
            .map_err(|error| Status::internal(format!("the answer cannot be decoded: {error}")))
    }
}
