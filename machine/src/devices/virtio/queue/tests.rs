use super::super::testing::*;
use super::*;

#[test]
fn chain_comes_out_as_it_was_offered() {
    let ram = ram();
    let mut driver = DriverQueue::new(&ram, 0, 8);
    let mut queue = driver.device_side();
    ram.copy_in(DATA, b"request").unwrap();
    let head =
        driver.offer(&[(DATA, 3, 0), (DATA + 3, 4, 0), (DATA + 0x100, 2, WRITE), (DATA + 0x200, 6, WRITE)]);
    let chain = queue.pop(&ram).unwrap().unwrap();
    assert_eq!((chain.head(), chain.readable_bytes(), chain.writable_bytes()), (head, 7, 8));
    let mut bytes = [0; 5];
    assert!(chain.read_at(1, &mut bytes, &ram).unwrap());
    assert_eq!(&bytes, b"eques");
    assert!(!chain.read_at(3, &mut bytes, &ram).unwrap(), "one byte too far");
    assert!(chain.write_at(1, b"abc", &ram).unwrap());
    assert!(!chain.write_at(8, b"a", &ram).unwrap());
    assert_eq!(ram.read::<u8>(DATA + 0x101).unwrap(), b'a');
    assert_eq!(ram.read::<u16>(DATA + 0x200).unwrap(), u16::from_le_bytes(*b"bc"));
    assert_eq!(queue.pop(&ram).unwrap(), None);
    queue.push(&chain, 4, &ram).unwrap();
    assert_eq!(driver.take_used(), [(head.into(), 4)]);
}

#[test]
fn indices_wrap_around() {
    let ram = ram();
    let mut driver = DriverQueue::new(&ram, 0, 4);
    let mut queue = driver.device_side();
    for round in 0..70_000_u32 {
        let head = driver.offer(&[(DATA, 1, 0)]);
        let chain = queue.pop(&ram).unwrap().unwrap();
        queue.push(&chain, round, &ram).unwrap();
        assert_eq!(driver.take_used(), [(head.into(), round)]);
    }
}

#[test]
fn indirect_table_is_followed() {
    let ram = ram();
    let mut driver = DriverQueue::new(&ram, 0, 4);
    let mut queue = driver.device_side();
    queue.indirect = true;
    let table = DATA + 0x1000;
    // An indirect chain may be as long as the queue.
    for index in 0..4_u16 {
        let next = if index < 3 { NEXT } else { 0 };
        driver.descriptor(table, index, (DATA, 10, WRITE | next, index + 1));
    }
    driver.offer(&[(table, 64, INDIRECT)]);
    assert_eq!(queue.pop(&ram).unwrap().unwrap().writable_bytes(), 40);
}

/// What popping says after `prepare` has filled a queue of 4 entries.
fn pop_error(prepare: impl FnOnce(&mut DriverQueue, &mut Queue)) -> RingError {
    let ram = ram();
    let mut driver = DriverQueue::new(&ram, 0, 4);
    let mut queue = driver.device_side();
    queue.indirect = true;
    prepare(&mut driver, &mut queue);
    queue.pop(&ram).unwrap_err()
}

#[test]
fn loop_of_descriptors_is_refused() {
    let error = pop_error(|driver, _| {
        driver.descriptor(driver.descriptors, 0, (DATA, 1, NEXT, 1));
        driver.descriptor(driver.descriptors, 1, (DATA, 1, NEXT, 0));
        driver.publish(0);
    });
    assert_eq!(error, RingError::ChainTooLong);
}

#[test]
fn loop_in_an_indirect_table_is_refused() {
    let table = DATA + 0x1000;
    let error = pop_error(|driver, _| {
        driver.descriptor(table, 0, (DATA, 1, NEXT, 0));
        driver.offer(&[(table, 16, INDIRECT)]);
    });
    assert_eq!(error, RingError::ChainTooLong);
}

#[test]
fn malformed_indirect_descriptors_are_refused() {
    let table = DATA + 0x1000;
    let nested = pop_error(|driver, _| {
        driver.descriptor(table, 0, (table, 16, INDIRECT, 0));
        driver.offer(&[(table, 16, INDIRECT)]);
    });
    let ragged = pop_error(|driver, _| {
        driver.offer(&[(table, 17, INDIRECT)]);
    });
    let empty = pop_error(|driver, _| {
        driver.offer(&[(table, 0, INDIRECT)]);
    });
    let not_agreed = pop_error(|driver, queue| {
        queue.indirect = false;
        driver.offer(&[(table, 16, INDIRECT)]);
    });
    assert_eq!([nested, ragged, empty, not_agreed], [RingError::BadIndirect; 4]);
    let outside = pop_error(|driver, _| {
        driver.offer(&[(u64::MAX - 8, 16, INDIRECT)]);
    });
    assert_eq!(outside, RingError::OutsideRam);
    let beyond = pop_error(|driver, _| {
        driver.descriptor(table, 0, (DATA, 1, NEXT, 1));
        driver.offer(&[(table, 16, INDIRECT)]);
    });
    assert_eq!(beyond, RingError::BadIndex { index: 1, table_size: 1 });
}

#[test]
fn indices_outside_the_table_are_refused() {
    assert_eq!(pop_error(|driver, _| driver.publish(4)), RingError::BadIndex { index: 4, table_size: 4 });
    let next = pop_error(|driver, _| {
        driver.descriptor(driver.descriptors, 0, (DATA, 1, NEXT, 0xffff));
        driver.publish(0);
    });
    assert_eq!(next, RingError::BadIndex { index: 0xffff, table_size: 4 });
}

#[test]
fn readable_after_writable_is_refused() {
    let error = pop_error(|driver, _| {
        driver.offer(&[(DATA, 1, WRITE), (DATA, 1, 0)]);
    });
    assert_eq!(error, RingError::WrongOrder);
}

#[test]
fn rings_outside_ram_are_refused() {
    for address in [0, RAM_BASE + RAM_BYTES - 2, u64::MAX - 1, u64::MAX] {
        assert_eq!(pop_error(|_, queue| queue.avail = address), RingError::OutsideRam);
        let descriptors = pop_error(|driver, queue| {
            driver.offer(&[(DATA, 1, 0)]);
            queue.descriptors = address;
        });
        assert_eq!(descriptors, RingError::OutsideRam);
    }
}

#[test]
fn more_chains_than_entries_are_refused() {
    let error = pop_error(|driver, _| driver.ram.write(driver.avail + 2, 5_u16).unwrap());
    assert_eq!(error, RingError::TooManyChains);
}

#[test]
fn buffers_outside_ram_are_errors_when_used() {
    let ram = ram();
    let mut driver = DriverQueue::new(&ram, 0, 4);
    let mut queue = driver.device_side();
    driver.offer(&[(u64::MAX, 2, 0), (0, u32::MAX, WRITE)]);
    let chain = queue.pop(&ram).unwrap().unwrap();
    assert_eq!(chain.read_at(0, &mut [0; 2], &ram), Err(RingError::OutsideRam));
    assert_eq!(chain.read_at(1, &mut [0; 1], &ram), Err(RingError::OutsideRam));
    assert_eq!(chain.write_at(0xffff_fff0, &[0; 4], &ram), Err(RingError::OutsideRam));
}

#[test]
fn interrupt_follows_the_flag_without_event_index() {
    let ram = ram();
    let mut driver = DriverQueue::new(&ram, 0, 4);
    let mut queue = driver.device_side();
    let mut use_one = |flags: u16| {
        ram.write(driver.avail, flags).unwrap();
        driver.offer(&[(DATA, 1, 0)]);
        let chain = queue.pop(&ram).unwrap().unwrap();
        queue.push(&chain, 0, &ram).unwrap();
        (queue.wants_interrupt(&ram).unwrap(), queue.wants_interrupt(&ram).unwrap())
    };
    assert_eq!(use_one(0), (true, false), "once for each use");
    assert_eq!(use_one(1), (false, false));
}

#[test]
fn interrupt_comes_when_the_event_index_is_passed() {
    let ram = ram();
    let mut driver = DriverQueue::new(&ram, 0, 4);
    let mut queue = driver.device_side();
    queue.event_index = true;
    ram.write(driver.avail + 4 + 2 * 4, 2_u16).unwrap();
    let mut wanted = Vec::new();
    for _ in 0..5 {
        driver.offer(&[(DATA, 1, 0)]);
        let chain = queue.pop(&ram).unwrap().unwrap();
        queue.push(&chain, 0, &ram).unwrap();
        wanted.push(queue.wants_interrupt(&ram).unwrap());
    }
    assert_eq!(wanted, [false, false, true, false, false]);
    assert_eq!(queue.pop(&ram).unwrap(), None);
    assert_eq!(ram.read::<u16>(driver.used + 4 + 8 * 4).unwrap(), 5, "asks for the next notification");
}
