"""What schemathesis cannot know from the schema."""

import schemathesis

# tus has a content type of its own for the bytes of a file.
schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")
