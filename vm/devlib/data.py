LINTERS = {}
def add_options(q):
    pass
