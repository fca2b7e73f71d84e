//! Calls of methods that are known only by their description.

use std::time::Duration;

use anyhow::{Context as _, Result};
use prost::Message as _;
use prost_reflect::{DynamicMessage, MessageDescriptor};
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Request, Status, Streaming};

use super::schema::Verb;

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

    /// # Errors
    /// What the server answered, or that it did not.
    pub(super) async fn unary(
        &self,
        verb: &Verb,
        message: DynamicMessage,
    ) -> Result<DynamicMessage> {
        let mut request = self.request(message);
        request.set_timeout(Duration::from_secs(10));
        let mut grpc = self.grpc().await?;
        let answer = grpc
            .unary(request, verb.path().parse()?, codec(verb))
            .await?;
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

    async fn grpc(&self) -> Result<tonic::client::Grpc<Channel>> {
        let mut grpc = tonic::client::Grpc::new(self.channel.clone());
        grpc.ready()
            .await
            .map_err(|error| Status::unavailable(error.to_string()))?;
        Ok(grpc)
    }
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
