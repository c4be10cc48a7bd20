//! Linux: the CPU clock of another process, and which CPU runs what.

#[cfg(target_os = "linux")]
pub(crate) use linux::{Clock, pin_apart};

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::time::Duration;

    use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
    use nix::time::{ClockId, clock_getcpuclockid, clock_gettime};
    use nix::unistd::Pid;

    use crate::failure::Failure;

    /// The CPU time, user and kernel, that all threads of a process have used.
    pub(crate) struct Clock(ClockId);

    impl Clock {
        /// # Errors
        /// There is no such process.
        pub(crate) fn of(process: u32) -> Result<Self, Failure> {
            Ok(Self(clock_getcpuclockid(pid(process)?)?))
        }

        /// # Errors
        /// The process has ended.
        pub(crate) fn now(&self) -> Result<Duration, Failure> {
            Ok(Duration::from(clock_gettime(self.0)?))
        }
    }

    /// Gives all threads of `process` one CPU and the calling thread another. With one CPU only, nothing
    /// changes. True if they are apart.
    ///
    /// # Errors
    /// The process has ended, or the CPUs cannot be chosen.
    pub(crate) fn pin_apart(process: u32) -> Result<bool, Failure> {
        let this_thread = Pid::from_raw(0);
        let allowed = sched_getaffinity(pid(process)?)?;
        let mut cpus = (0..CpuSet::count()).filter(|cpu| allowed.is_set(*cpu).unwrap_or(false));
        let (Some(first), Some(last)) = (cpus.next(), cpus.next_back()) else { return Ok(false) };
        for task in fs::read_dir(format!("/proc/{process}/task"))? {
            if let Some(thread) = task?.file_name().to_str().and_then(|id| id.parse().ok()) {
                sched_setaffinity(pid(thread)?, &only(first)?)?;
            }
        }
        sched_setaffinity(this_thread, &only(last)?)?;
        Ok(true)
    }

    fn pid(number: u32) -> Result<Pid, Failure> {
        Ok(Pid::from_raw(i32::try_from(number)?))
    }

    fn only(cpu: usize) -> Result<CpuSet, Failure> {
        let mut set = CpuSet::new();
        set.set(cpu)?;
        Ok(set)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn the_clock_moves_with_work_and_knows_its_process() {
            let clock = Clock::of(std::process::id()).unwrap();
            let start = clock.now().unwrap();
            while clock.now().unwrap() < start + Duration::from_millis(5) {
                std::hint::black_box(0);
            }
            assert!(Clock::of(u32::MAX).is_err());
        }
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) use elsewhere::{Clock, pin_apart};

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use std::time::Duration;

    use crate::failure::Failure;

    /// There is none.
    pub(crate) struct Clock;

    impl Clock {
        pub(crate) fn of(_process: u32) -> Result<Self, Failure> {
            Err("the benchmark needs Linux: it reads the CPU clock of another process".into())
        }

        pub(crate) fn now(&self) -> Result<Duration, Failure> {
            Ok(Duration::ZERO)
        }
    }

    pub(crate) fn pin_apart(_process: u32) -> Result<bool, Failure> {
        Ok(false)
    }
}
