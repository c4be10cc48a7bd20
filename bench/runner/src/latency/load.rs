//! Client and upstream in one thread, so that neither waits for the other to be scheduled: requests over HTTP/1.1 are
//! sent when they are due, and those that come to the upstream are answered when it has taken its time.

use std::collections::{HashMap, VecDeque};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};

use super::measured::Setting;
use crate::client::request_lines;
use crate::failure::Failure;

/// What the upstream answers.
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
/// The end of a head.
const END: &[u8] = b"\r\n\r\n";
/// How long before something is due the thread stays awake: waking up takes about as long.
const AWAKE: Duration = Duration::from_micros(80);
/// A request that has no answer for so long will have none.
const PATIENCE: Duration = Duration::from_secs(10);
/// The tokens of the events that are not about a connection.
const UPSTREAM: u64 = 0;
/// See [`UPSTREAM`].
const TIMER: u64 = 1;

/// What became of the requests of a slice.
pub(super) struct Slice {
    /// From the moment when each request was due to the last byte of its answer, in seconds.
    pub(super) latencies: Vec<f64>,
    /// From the moment when each request was due to when it was sent, in seconds.
    pub(super) late: Vec<f64>,
}

/// Sends requests and answers them.
pub(super) struct Generator {
    epoll: Epoll,
    timer: TimerFd,
    listener: TcpListener,
    connections: HashMap<u64, Connection>,
    next: u64,
    /// Connections to each address that wait for nothing.
    idle: HashMap<SocketAddr, Vec<u64>>,
    /// What the upstream has to answer, and when.
    answers: VecDeque<(Instant, u64)>,
    request: Vec<u8>,
    random: fastrand::Rng,
}

struct Connection {
    stream: TcpStream,
    /// What has come and is not a whole message yet.
    received: Vec<u8>,
    /// Where a connection of the client goes; `None` for one of the upstream.
    target: Option<SocketAddr>,
    /// When the request that it waits for was due.
    due: Option<Instant>,
}

impl Generator {
    /// An upstream on a free port, without load.
    ///
    /// # Errors
    /// The system gives no port, or no events.
    pub(super) fn new() -> Result<Self, Failure> {
        let epoll = Epoll::new(EpollCreateFlags::empty())?;
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        listener.set_nonblocking(true)?;
        epoll.add(&listener, EpollEvent::new(EpollFlags::EPOLLIN, UPSTREAM))?;
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_NONBLOCK)?;
        epoll.add(timer.as_fd(), EpollEvent::new(EpollFlags::EPOLLIN, TIMER))?;
        Ok(Self {
            epoll,
            timer,
            listener,
            connections: HashMap::new(),
            next: TIMER + 1,
            idle: HashMap::new(),
            answers: VecDeque::new(),
            request: request_lines("/api/v1/items?id=42"),
            random: fastrand::Rng::with_seed(11),
        })
    }

    /// Where the upstream listens.
    pub(super) fn upstream_address(&self) -> SocketAddr {
        self.listener.local_addr().expect("a listener has an address")
    }

    /// Sends requests to `target` for so long, and waits for their answers.
    ///
    /// # Errors
    /// A request has no answer, or another than 200.
    pub(super) fn run(
        &mut self,
        target: SocketAddr,
        setting: Setting,
        time: Duration,
    ) -> Result<Slice, Failure> {
        let start = Instant::now();
        let end = start + time;
        let (mut due, mut sent) = (start + self.gap(setting.rate), 0usize);
        let mut slice = Slice { latencies: Vec::new(), late: Vec::new() };
        while due < end || slice.latencies.len() < sent {
            let now = Instant::now();
            if now > end + PATIENCE {
                return Err(format!(
                    "{} of {sent} requests to {target} had no answer",
                    sent - slice.latencies.len()
                )
                .into());
            }
            while due <= now && due < end {
                self.send(target, due)?;
                slice.late.push(due.elapsed().as_secs_f64());
                sent += 1;
                due += self.gap(setting.rate);
            }
            while let Some((_, connection)) = self.answers.pop_front_if(|(due, _)| *due <= now) {
                self.write(connection, ANSWER)?;
            }
            let next =
                self.answers.front().map(|(due, _)| *due).into_iter().chain((due < end).then_some(due)).min();
            self.wait(next, setting, &mut slice.latencies)?;
        }
        Ok(slice)
    }

    /// The time between two requests of a Poisson process.
    fn gap(&mut self, rate: f64) -> Duration {
        Duration::from_secs_f64(-(1.0 - self.random.f64()).ln() / rate)
    }

    fn send(&mut self, target: SocketAddr, due: Instant) -> Result<(), Failure> {
        let token = match self.idle.entry(target).or_default().pop() {
            Some(token) => token,
            None => self.add(TcpStream::connect(target)?, Some(target))?,
        };
        self.connections.get_mut(&token).ok_or("an idle connection is gone")?.due = Some(due);
        let request = std::mem::take(&mut self.request);
        let result = self.write(token, &request);
        self.request = request;
        result
    }

    fn add(&mut self, stream: TcpStream, target: Option<SocketAddr>) -> Result<u64, Failure> {
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let token = self.next;
        self.next += 1;
        self.epoll.add(&stream, EpollEvent::new(EpollFlags::EPOLLIN, token))?;
        self.connections.insert(token, Connection { stream, received: Vec::new(), target, due: None });
        Ok(token)
    }

    /// Messages are short, and fit into the buffer of a socket.
    fn write(&mut self, token: u64, bytes: &[u8]) -> Result<(), Failure> {
        match self.connections.get_mut(&token) {
            Some(connection) => Ok(connection.stream.write_all(bytes)?),
            // Envoy has closed it meanwhile, and tells the client.
            None => Ok(()),
        }
    }

    /// Waits until something comes, or `next`, and reads what has come.
    fn wait(
        &mut self,
        next: Option<Instant>,
        setting: Setting,
        latencies: &mut Vec<f64>,
    ) -> Result<(), Failure> {
        let left = next.map(|next| next.saturating_duration_since(Instant::now()));
        let timeout = match left {
            Some(left) if left <= AWAKE => EpollTimeout::ZERO,
            Some(left) => {
                let time = Expiration::OneShot(TimeSpec::from_duration(left - AWAKE));
                self.timer.set(time, TimerSetTimeFlags::empty())?;
                EpollTimeout::NONE
            }
            None => EpollTimeout::from(100u16),
        };
        let mut events = [EpollEvent::empty(); 64];
        let count = self.epoll.wait(&mut events, timeout)?;
        for event in events.iter().take(count) {
            match event.data() {
                UPSTREAM => self.accept()?,
                TIMER => self.timer.wait()?,
                token => self.read(token, setting, latencies)?,
            }
        }
        Ok(())
    }

    fn accept(&mut self) -> Result<(), Failure> {
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => self.add(stream, None)?,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            };
        }
    }

    fn read(&mut self, token: u64, setting: Setting, latencies: &mut Vec<f64>) -> Result<(), Failure> {
        let Some(connection) = self.connections.get_mut(&token) else { return Ok(()) };
        let mut buffer = [0; 16 * 1024];
        match connection.stream.read(&mut buffer) {
            Ok(0) => {
                let connection = self.connections.remove(&token).ok_or("it was there")?;
                self.idle.values_mut().for_each(|idle| idle.retain(|known| *known != token));
                return match connection.due {
                    Some(_) => Err("Envoy has closed a connection in place of an answer".into()),
                    None => Ok(()),
                };
            }
            Ok(length) => connection.received.extend_from_slice(&buffer[..length]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        let Some(length) = whole(&connection.received)? else { return Ok(()) };
        if length < connection.received.len() {
            return Err("more than one message at a time".into());
        }
        match connection.target {
            None => self.answers.push_back((Instant::now() + setting.upstream, token)),
            Some(target) => {
                let due = connection.due.take().ok_or("an answer without a request")?;
                latencies.push(due.elapsed().as_secs_f64());
                if !connection.received.starts_with(b"HTTP/1.1 200 ") {
                    let line = connection.received.split(|byte| *byte == b'\r').next().unwrap_or_default();
                    return Err(format!("Envoy answered {}", String::from_utf8_lossy(line)).into());
                }
                self.idle.entry(target).or_default().push(token);
            }
        }
        connection.received.clear();
        Ok(())
    }
}

/// The length of the message that `received` starts with; `None` before all of it is there.
fn whole(received: &[u8]) -> Result<Option<usize>, Failure> {
    let Some(head) = received.windows(END.len()).position(|window| window == END) else { return Ok(None) };
    let lines = received[..head].split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let mut lengths = lines.filter_map(|line| {
        let (name, value) = str::from_utf8(line).ok()?.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>())
    });
    let whole = head + END.len() + lengths.next().transpose()?.unwrap_or(0);
    Ok((received.len() >= whole).then_some(whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_whole_with_its_body() {
        assert_eq!(whole(b"GET / HTTP/1.1\r\nhost: a\r\n").unwrap(), None);
        assert_eq!(whole(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").unwrap(), Some(27));
        assert_eq!(whole(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no").unwrap(), None);
        assert_eq!(whole(ANSWER).unwrap(), Some(ANSWER.len()));
    }

    /// The upstream's time and a wait of the client are both in the latencies.
    #[test]
    fn latencies_count_from_when_requests_were_due() {
        let mut generator = Generator::new().unwrap();
        let target = generator.upstream_address();
        let setting = Setting { rate: 200.0, upstream: Duration::from_millis(5) };
        let slice = generator.run(target, setting, Duration::from_millis(300)).unwrap();
        assert!(slice.latencies.len() > 20 && slice.latencies.len() == slice.late.len());
        assert!(slice.latencies.iter().all(|latency| *latency >= 0.005));
        // A request that is due while nothing is sent waits.
        let due = Instant::now().checked_sub(Duration::from_millis(70)).unwrap();
        generator.send(target, due).unwrap();
        let (mut latencies, start) = (Vec::new(), Instant::now());
        while latencies.is_empty() {
            assert!(start.elapsed() < PATIENCE);
            while let Some((_, connection)) =
                generator.answers.pop_front_if(|(due, _)| *due <= Instant::now())
            {
                generator.write(connection, ANSWER).unwrap();
            }
            generator.wait(Some(Instant::now()), setting, &mut latencies).unwrap();
        }
        assert!(latencies[0] >= 0.075);
    }
}
