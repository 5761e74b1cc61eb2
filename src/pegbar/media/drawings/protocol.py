"""What a program that draws and the server that runs it agree on."""

#: Where it reads what it is to draw, in its working folder.
REQUEST = "request.json"
#: The key by which it tells how many bytes of its output stay as they are.
WHOLE = "whole"
#: Its exit codes: a picture cannot be read; it needs too much memory.
UNREADABLE, TOO_MUCH = 3, 4
