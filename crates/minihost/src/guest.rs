//! Access to the module's memory from inside an imported function.

use wasmi::{Caller, Error, Extern, Memory, Val};

use super::headers::Bytes;
use super::state::HostState;
use super::status::Status;

/// The module during one imported call: its memory, and the host's state.
pub(crate) struct Guest<'a> {
    caller: Caller<'a, HostState>,
}

/// Why an imported call did not return [`Status::Ok`].
pub(crate) enum Failure {
    /// The module gets this status.
    Status(Status),
    /// The module is broken or trapped: the VM ends.
    Trap(Error),
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Trap(error)
    }
}

pub(crate) type Outcome = Result<(), Failure>;

impl<'a> Guest<'a> {
    pub(crate) fn new(caller: Caller<'a, HostState>) -> Self {
        Self { caller }
    }

    pub(crate) fn host(&mut self) -> &mut HostState {
        self.caller.data_mut()
    }

    fn memory(&self) -> Result<Memory, Failure> {
        let memory = self.caller.get_export("memory").and_then(Extern::into_memory);
        memory.ok_or_else(|| Failure::Trap(Error::new("the module exports no memory")))
    }

    pub(crate) fn read(&mut self, address: u32, length: u32) -> Result<Bytes, Failure> {
        let memory = self.memory()?;
        let mut bytes = vec![0; length as usize];
        memory
            .read(&self.caller, address as usize, &mut bytes)
            .map_err(|_| Failure::Status(Status::InvalidMemoryAccess))?;
        self.host().call.bytes_out += u64::from(length);
        Ok(bytes)
    }

    pub(crate) fn read_text(&mut self, address: u32, length: u32) -> Result<String, Failure> {
        String::from_utf8(self.read(address, length)?).map_err(|_| Status::BadArgument.into())
    }

    pub(crate) fn write(&mut self, address: u32, bytes: &[u8]) -> Outcome {
        let memory = self.memory()?;
        memory
            .write(&mut self.caller, address as usize, bytes)
            .map_err(|_| Failure::Status(Status::InvalidMemoryAccess))?;
        self.host().call.bytes_in += bytes.len() as u64;
        Ok(())
    }

    pub(crate) fn write_u32(&mut self, address: u32, value: u32) -> Outcome {
        self.write(address, &value.to_le_bytes())
    }

    pub(crate) fn write_u64(&mut self, address: u32, value: u64) -> Outcome {
        self.write(address, &value.to_le_bytes())
    }

    /// Hands bytes over in memory that the module allocates, and stores their address and length.
    /// Empty values are a null pointer and cost no allocation, as in Envoy.
    pub(crate) fn give(&mut self, bytes: &[u8], address_at: u32, length_at: u32) -> Outcome {
        let address = if bytes.is_empty() { 0 } else { self.allocate(bytes.len() as u32)? };
        if !bytes.is_empty() {
            self.write(address, bytes)?;
        }
        if address_at != 0 {
            self.write_u32(address_at, address)?;
        }
        if length_at != 0 {
            self.write_u32(length_at, bytes.len() as u32)?;
        }
        Ok(())
    }

    fn allocate(&mut self, length: u32) -> Result<u32, Failure> {
        let named = |name| self.caller.get_export(name).and_then(Extern::into_func);
        let allocator = named("malloc").or_else(|| named("proxy_on_memory_allocate"));
        let allocator = allocator.ok_or_else(|| Error::new("the module exports no allocator"))?;
        let mut result = [Val::I32(0)];
        allocator.call(&mut self.caller, &[Val::I32(length as i32)], &mut result)?;
        match result[0].i32() {
            Some(0) | None => Err(Status::InvalidMemoryAccess.into()),
            Some(address) => Ok(address as u32),
        }
    }
}
