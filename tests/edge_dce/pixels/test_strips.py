import threading

import pytest

from edge_dce.pixels.strips import StripWorkers, cut_strips


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_every_strip_is_worked_on_once(threads: int) -> None:
    done: list[slice] = []
    StripWorkers(threads).run(lambda rows, _: done.append(rows), cut_strips(100, 7))
    assert sorted(done, key=lambda rows: rows.start) == cut_strips(100, 7)


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_work_that_was_begun_has_a_result(threads: int) -> None:
    assert StripWorkers(threads).begin(lambda: 7).result() == 7


def test_strips_are_done_while_what_was_begun_takes_its_time() -> None:
    workers, may_end, done = StripWorkers(2), threading.Event(), list[slice]()
    begun = workers.begin(may_end.wait)
    workers.run(lambda rows, _: done.append(rows), cut_strips(100, 50))
    assert not begun.done()
    may_end.set()
    assert begun.result()
    assert done == cut_strips(100, 50)


def test_an_error_in_a_strip_reaches_the_caller() -> None:
    def fail(rows: slice, _: object) -> None:
        raise ValueError(rows.start)

    with pytest.raises(ValueError, match="0"):
        StripWorkers(2).run(fail, cut_strips(10, 10))
