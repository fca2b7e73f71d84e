//! Queriers on other machines: the same jobs, over `takt.query.v1`.

use std::time::Duration;

use takt_wire::takt::query::v1 as proto;
use takt_wire::takt::query::v1::querier_service_client::QuerierServiceClient;
use takt_wire::takt::query::v1::querier_service_server;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status};

use crate::failure::Failure;
use crate::frontend::Frontend;
use crate::run::job::{Done, Job};
use crate::run::wire;
use crate::work::Asking;

/// Largest message between frontend and querier, in bytes.
const MAX_MESSAGE: usize = 256 << 20;

/// A querier elsewhere.
#[derive(Debug, Clone)]
pub struct Querier {
    client: QuerierServiceClient<Channel>,
    timeout: Duration,
}

impl Querier {
    /// Connects when it is first asked, and again whenever the connection was lost.
    ///
    /// # Errors
    /// When `address` is no URL like `http://querier:9095`.
    pub fn at(address: &str, timeout: Duration) -> Result<Self, String> {
        let endpoint = Endpoint::from_shared(address.to_owned())
            .map_err(|error| format!("`{address}` is no address of a querier: {error}"))?
            .connect_timeout(Duration::from_secs(5))
            .tcp_nodelay(true);
        Ok(Self {
            client: QuerierServiceClient::new(endpoint.connect_lazy())
                .max_decoding_message_size(MAX_MESSAGE)
                .max_encoding_message_size(MAX_MESSAGE),
            timeout,
        })
    }

    pub(crate) async fn run(&self, job: Job) -> Result<Done, Failure> {
        let mut request = Request::new(wire::request(&job)?);
        request.set_timeout(self.timeout);
        let mut client = self.client.clone();
        let answer = client.run(request);
        let answer = tokio::time::timeout(self.timeout, answer)
            .await
            .map_err(|_| Failure::Querier("it took too long to answer".to_owned()))?
            .map_err(failure)?;
        wire::done(answer.into_inner(), &job.question)
    }
}

/// What a refusal of a querier means for the query.
fn failure(status: Status) -> Failure {
    match status.code() {
        tonic::Code::InvalidArgument => crate::Invalid::rule(status.message()).into(),
        tonic::Code::ResourceExhausted => Failure::Busy(status.message().to_owned()),
        tonic::Code::Cancelled => Failure::Cancelled,
        _ => Failure::Querier(format!("{}: {}", status.code(), status.message())),
    }
}

/// Runs the jobs of frontends elsewhere.
#[derive(Debug, Clone)]
pub struct QuerierService(Frontend);

impl QuerierService {
    #[must_use]
    pub fn new(frontend: Frontend) -> Self {
        Self(frontend)
    }

    /// The gRPC service.
    #[must_use]
    pub fn server(self) -> querier_service_server::QuerierServiceServer<Self> {
        querier_service_server::QuerierServiceServer::new(self)
            .max_decoding_message_size(MAX_MESSAGE)
            .max_encoding_message_size(MAX_MESSAGE)
    }

    async fn answer(&self, request: proto::RunRequest) -> Result<proto::RunResponse, Failure> {
        let job = wire::job(request, &self.0)?;
        let asking = Asking::new(job.meta.tenant.clone(), self.0.memory());
        let done = job.run(&self.0, asking.asked()).await?;
        Ok(wire::response(done))
    }
}

#[tonic::async_trait]
impl querier_service_server::QuerierService for QuerierService {
    async fn run(
        &self,
        request: Request<proto::RunRequest>,
    ) -> Result<Response<proto::RunResponse>, Status> {
        match self.answer(request.into_inner()).await {
            Ok(answer) => Ok(Response::new(answer)),
            Err(failure) => Err(crate::failure::status(&failure)),
        }
    }
}
