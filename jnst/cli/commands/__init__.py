"""The commands that paint nothing: `jnst filters`, `jnst curves` and `jnst weights`.

Each is a file with a `main` that takes the words after the command's name and returns the exit
code. They are read when their name is typed, so this face names none of them.
"""
