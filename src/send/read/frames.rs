//! OTLP protobuf: a little-endian u32 length, then an `ExportTraceServiceRequest`, again and again.

use std::io::BufRead;

use anyhow::Context as _;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::ResourceSpans;
use prost::Message as _;

/// No request is longer; a length beyond it means that the file holds something else.
const MAX_FRAME: u32 = 256 << 20;

/// Reads one frame after the other.
pub(super) struct Frames<R> {
    file: R,
    frame: Vec<u8>,
}

impl<R: BufRead> Frames<R> {
    pub(super) fn new(file: R) -> Self {
        Self {
            file,
            frame: Vec::new(),
        }
    }

    fn read(&mut self) -> anyhow::Result<Option<Vec<ResourceSpans>>> {
        if self.file.fill_buf()?.is_empty() {
            return Ok(None);
        }
        let mut length = [0; 4];
        self.file
            .read_exact(&mut length)
            .context("it ends within a length")?;
        let length = u32::from_le_bytes(length);
        anyhow::ensure!(
            length <= MAX_FRAME,
            "a frame of {length} bytes is no request"
        );
        self.frame.resize(length as usize, 0);
        self.file
            .read_exact(&mut self.frame)
            .context("it ends within a frame")?;
        let request = ExportTraceServiceRequest::decode(self.frame.as_slice())
            .context("a frame is no ExportTraceServiceRequest")?;
        Ok(Some(request.resource_spans))
    }
}

impl<R: BufRead> Iterator for Frames<R> {
    type Item = anyhow::Result<Vec<ResourceSpans>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}
