"""The newest of a row of items, for several readers."""

import dataclasses
import threading
import time

import pytest

from edge_dce.camera.handover import Newest


@dataclasses.dataclass
class Item:
    sequence: int
    holders: int = 1

    def hold(self) -> None:
        self.holders += 1

    def release(self) -> None:
        self.holders -= 1


@pytest.fixture
def newest() -> Newest[Item]:
    return Newest(hold=Item.hold, release=Item.release)


def test_reader_gets_the_newest_and_each_at_most_once(newest: Newest[Item]) -> None:
    reader = newest.reader()
    for number in range(3):
        newest.put(Item(number))
    assert reader.wait(0).sequence == 2
    assert reader.wait(0) is None


def test_readers_do_not_take_items_from_each_other(newest: Newest[Item]) -> None:
    newest.put(Item(0))
    assert newest.reader().wait(0) is newest.reader().wait(0)


def test_reader_from_now_gets_what_is_yet_to_come(newest: Newest[Item]) -> None:
    newest.put(Item(0))
    reader = newest.reader_from_now()
    assert reader.wait(0) is None
    newest.put(Item(1))
    assert reader.wait(0).sequence == 1


def test_waiting_reader_is_woken_by_an_item_and_by_the_end(newest: Newest[Item]) -> None:
    found = []
    reader = newest.reader()
    waiting = threading.Thread(target=lambda: found.extend([reader.wait(20), reader.wait(20)]))
    start_s = time.monotonic()
    waiting.start()
    item = Item(0)
    newest.put(item)
    while not found and item.holders < 2:
        time.sleep(0.001)
    newest.end()
    waiting.join(20)
    assert found == [item, None]
    assert time.monotonic() - start_s < 10


def test_what_is_there_at_the_end_is_still_read(newest: Newest[Item]) -> None:
    newest.put(Item(0))
    newest.end()
    assert [item.sequence for item in newest.reader().follow()] == [0]


def test_following_ends_when_it_is_not_wanted(newest: Newest[Item]) -> None:
    wanted = iter([True, True, False])
    newest.put(Item(0))
    assert len(list(newest.reader().follow(lambda: next(wanted)))) == 1


def test_item_is_held_for_the_place_and_each_reader_and_released_by_all(newest: Newest[Item]) -> None:
    item = Item(0)
    newest.put(item)
    kept = newest.reader().wait(0)
    with_turn = newest.reader().follow()
    assert next(with_turn) is item
    assert item.holders == 3
    with_turn.close()
    assert item.holders == 2
    newest.put(Item(1))
    assert item.holders == 1
    kept.release()
    assert item.holders == 0
