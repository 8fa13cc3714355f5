"""Every sentence about the machine's limits and its end, in one place."""

OUT_OF_MEMORY = "There is not enough memory for this: take a smaller picture, a shorter answer or a smaller model."
DISK_FULL = "The server has no room left on its disk: try again later, and tell whoever runs it."
DISK_CLOSED = "The server cannot write to its disk: try again later, and tell whoever runs it."
TOO_OFTEN = "You may start {most} runs a minute: come again in {seconds} s."
TOO_OFTEN_HERE = (
    "From your network address {most} runs a minute may be started: come again in {seconds} s."
)
TOO_MANY_WAIT = "{most} of your runs wait already: come again when one of them has ended."
ADDRESS_WAITS = "Too many runs from your network address wait already: try again in a minute."
