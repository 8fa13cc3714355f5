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
FILES_TOO_OFTEN = "You may save or open {most} files a minute: come again in {seconds} s."
FILES_TOO_OFTEN_HERE = "From your network address {most} files a minute may be saved or opened: come again in {seconds} s."
TOO_MANY_FILES_WAIT = "{most} of your files wait already: come again when one of them is there."
TOO_MUCH_OPENED = (
    "Visitors have too many saved runs open here: try again later, or open it with the library."
)
UPLOADS_TOO_OFTEN = (
    "From your network address {most} files a minute may be uploaded: come again in {seconds} s."
)
UPLOADED_TOO_MUCH = (
    "From your network address {most} MB an hour may be uploaded: come again in {seconds} s."
)
REQUEST_TOO_LARGE = "The request is larger than {limit}; send less."
TOO_MANY_FILES = "A request may hold {most} files; send fewer at once."
TOO_MANY_VALUES = "The request holds more than {most} values; send less."
NESTED = "The request is nested too deeply."
ELSEWHERE = "Only a file that was uploaded here is opened; upload it."
NO_SUCH_EVENT = "The page has no such function; load it again."
ADDRESS_TOO_LONG = "The address of the page or the head of the request is too long; shorten it."
FORGOTTEN = "The server has forgotten this page; load it again."
