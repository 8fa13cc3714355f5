"""Every sentence about limits and failures of the server, in one place."""

OUT_OF_MEMORY = "There is not enough memory for this: take a smaller picture, a shorter answer or a smaller model."
DISK_FULL = "The server's disk is full: try again later, and tell its operator."
DISK_CLOSED = "The server cannot write to its disk: try again later, and tell its operator."
TOO_OFTEN = "You may start {most} runs a minute: try again in {seconds} s."
TOO_OFTEN_HERE = "Your network address may start {most} runs a minute: try again in {seconds} s."
TOO_MANY_WAIT = "{most} of your runs are already waiting: try again when one of them has finished."
ADDRESS_WAITS = (
    "Too many runs from your network address are already waiting: try again in a minute."
)
FILES_TOO_OFTEN = "You may save or open {most} files a minute: try again in {seconds} s."
FILES_TOO_OFTEN_HERE = (
    "Your network address may save or open {most} files a minute: try again in {seconds} s."
)
TOO_MANY_FILES_WAIT = (
    "{most} of your files are already waiting: try again when one of them is ready."
)
TOO_MUCH_OPENED = "Visitors have too many saved runs open here: try again later, or open this one with the library."
UPLOADS_TOO_OFTEN = (
    "Your network address may upload {most} files a minute: try again in {seconds} s."
)
UPLOADED_TOO_MUCH = "Your network address may upload {most} MB an hour: try again in {seconds} s."
REQUEST_TOO_LARGE = "The request is larger than {limit}; send less."
TOO_MANY_FILES = "A request may contain at most {most} files; send fewer at once."
TOO_MANY_VALUES = "The request contains more than {most} values; send less."
NESTED = "The request is nested too deeply."
ELSEWHERE = "Only files uploaded here can be opened; upload it first."
NO_SUCH_EVENT = "The page has no such function; reload it."
ADDRESS_TOO_LONG = "The page's address or the request's header is too long; shorten it."
FORGOTTEN = "The server no longer remembers this page; reload it."
