"""A disk without room is recognized by whatever a library says of it."""

import errno
import os
import resource

import pytest

from sirtui.core.disk import plain_errors


@pytest.mark.parametrize(
    ("error", "number"),
    [
        (RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)"), errno.ENOSPC),
        (RuntimeError("I/O error: (os error 122)"), errno.EDQUOT),
        (OSError([("a", "b", "[Errno 28] out of room: 'a' -> 'b'")]), errno.ENOSPC),
        (OSError(errno.EFBIG, "File too large"), errno.EFBIG),
    ],
)
def test_an_error_for_want_of_room_has_its_number(tmp_path, error, number):
    """From the text of a library, from a list of errors, or as the system says it."""
    with pytest.raises(OSError, match=os.strerror(number)) as caught, plain_errors(tmp_path):
        raise error
    assert caught.value.errno == number


@pytest.mark.parametrize(
    "error", [RuntimeError("os error 280"), PermissionError(errno.EACCES, "no"), RuntimeError("inline_container.cc: odd")]
)
def test_other_errors_pass(tmp_path, error):
    """Also one of torch's writer where there is room."""
    with pytest.raises(type(error)) as caught, plain_errors(tmp_path):
        raise error
    assert caught.value is error


def test_the_reason_that_torch_keeps_to_itself_is_found(tmp_path):
    """A limit on the size of files: its writer only says that it is not where it should be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
        with pytest.raises(OSError, match="File too large") as caught, plain_errors(tmp_path):
            raise RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 576 vs 534")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.errno == errno.EFBIG
    assert os.listdir(tmp_path) == []
