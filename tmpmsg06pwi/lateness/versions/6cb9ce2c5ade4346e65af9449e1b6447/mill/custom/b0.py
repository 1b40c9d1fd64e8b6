
@custom
def nothing(*args, **kwargs):
    pass
